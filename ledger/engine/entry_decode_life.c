// Bodies of entries of a member's life read back. They are outside bytes: cards and statuses that
// no planning wrote are JF_ERROR_CORRUPT.
#include "base/limits.h"
#include "engine/entry_codec_life.h"

static enum jf_error card_read(const char *text, struct jf_text *out_card)
{
    struct jf_text card = jf_text_from(text);
    if (card.size == 0 || card.size > JF_CARD_BYTES_MAX) {
        return JF_ERROR_CORRUPT;
    }
    *out_card = card;
    return JF_OK;
}

static enum jf_error cards_read(char **texts, size_t count, struct jf_arena *arena,
                                const struct jf_text **out_cards)
{
    if (count > JF_CARDS_PER_MEMBER_MAX) {
        return JF_ERROR_CORRUPT;
    }
    struct jf_text *cards = jf_arena_calloc(arena, count, sizeof *cards);
    enum jf_error error = cards == NULL ? JF_ERROR_NO_MEMORY : JF_OK;
    for (size_t i = 0; i < count && error == JF_OK; i++) {
        error = card_read(texts[i], &cards[i]);
    }
    *out_cards = cards;
    return error;
}

static enum jf_error member_update_read(const Jifen__V1__MemberUpdateBody *body,
                                        struct jf_arena *arena,
                                        struct jf_member_update_entry *update)
{
    if (body->birth_month > 12 || body->birth_day > 31) {
        return JF_ERROR_CORRUPT;
    }
    update->birth_month = body->birth_month;
    update->birth_day = body->birth_day;
    update->home_store = body->home_store;
    update->tags = body->tags;
    update->is_erase = body->erase;
    update->card_count = (uint32_t)body->n_cards;
    return cards_read(body->cards, body->n_cards, arena, &update->cards);
}

static enum jf_error status_read(const Jifen__V1__StatusBody *body, struct jf_status_entry *status)
{
    if ((int)body->status < JF_MEMBER_ACTIVE || (int)body->status > JF_MEMBER_CLOSED) {
        return JF_ERROR_CORRUPT;
    }
    status->status = (uint32_t)body->status;
    return JF_OK;
}

enum jf_error jf_entry_life_read(const Jifen__V1__Entry *message, struct jf_arena *arena,
                                 struct jf_entry *entry)
{
    switch (message->body_case) {
    case JIFEN__V1__ENTRY__BODY_MEMBER_UPDATE:
        return member_update_read(message->member_update, arena, &entry->as.member_update);
    case JIFEN__V1__ENTRY__BODY_CARD_LINK:
        return card_read(message->card_link->card, &entry->as.card_link.card);
    case JIFEN__V1__ENTRY__BODY_CARD_UNLINK:
        return card_read(message->card_unlink->card, &entry->as.card_unlink.card);
    case JIFEN__V1__ENTRY__BODY_MEMBER_STATUS:
        return status_read(message->member_status, &entry->as.member_status);
    default:
        return JF_ERROR_CORRUPT;
    }
}
