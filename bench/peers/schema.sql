-- The same sale as Jifen's, as far as PostgreSQL is asked for it: an idempotency key, an append-only entry, a lot and a
-- balance, in one function and one transaction. A retry gets the first answer.
CREATE TABLE entry (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id text NOT NULL UNIQUE,
    member bigint NOT NULL,
    store integer NOT NULL,
    amount bigint NOT NULL,
    points bigint NOT NULL,
    posted_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE lot (
    member bigint NOT NULL,
    expires_on date NOT NULL,
    remaining bigint NOT NULL,
    PRIMARY KEY (member, expires_on)
) WITH (fillfactor = 80);
CREATE TABLE balance (
    member bigint PRIMARY KEY,
    points bigint NOT NULL
) WITH (fillfactor = 80);

CREATE FUNCTION post_sale(p_id text, p_member bigint, p_store integer, p_amount bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    granted bigint := p_amount / 100;
    last_day date := (date_trunc('month', current_date) + interval '13 months - 1 day')::date;
BEGIN
    INSERT INTO entry (transaction_id, member, store, amount, points)
    VALUES (p_id, p_member, p_store, p_amount, granted)
    ON CONFLICT (transaction_id) DO NOTHING;
    IF NOT FOUND THEN
        SELECT points INTO granted FROM entry WHERE transaction_id = p_id;
        RETURN granted;
    END IF;
    INSERT INTO lot VALUES (p_member, last_day, granted)
    ON CONFLICT (member, expires_on) DO UPDATE SET remaining = lot.remaining + excluded.remaining;
    UPDATE balance SET points = points + granted WHERE member = p_member;
    RETURN granted;
END $$;
