"""Where the parts of RocksDB's files lie, by their published formats: the tests damage each part for itself."""
import struct

FOOTER_BYTES = 53  # of tables with format version 1 to 5
TRAILER_BYTES = 5  # behind each block: its compression and its checksum
LOG_HEADER_BYTES = 7  # of a record: checksum, length, kind


def varint(content, at):
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def handle(content, at):
    """A block's offset and size."""
    offset, at = varint(content, at)
    size, at = varint(content, at)
    return offset, size, at


def entries_of(block):
    """Keys and values of a block that is not compressed, without its restarts."""
    restarts, = struct.unpack_from("<I", block, len(block) - 4)
    end, at, key = len(block) - 4 - 4 * restarts, 0, b""
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        size, at = varint(block, at)
        key = key[:shared] + block[at:at + own]
        yield key, block[at + own:at + own + size]
        at += own + size


def table_parts(path):
    """{part: (first byte, bytes)} of a table. The data are everything before the first of the other blocks."""
    content = path.read_bytes()
    footer = len(content) - FOOTER_BYTES
    meta_offset, meta_size, at = handle(content, footer + 1)
    index_offset, index_size, at = handle(content, at)
    parts = {"metaindex": (meta_offset, meta_size + TRAILER_BYTES), "index": (index_offset, index_size + TRAILER_BYTES),
             "footer's handles": (footer + 1, at - footer - 1), "footer's version": (len(content) - 12, 4),
             "footer's magic": (len(content) - 8, 8), "footer's checksum kind": (footer, 1)}
    for name, value in entries_of(content[meta_offset:meta_offset + meta_size]):
        offset, size, _ = handle(value, 0)
        short = "filter" if name.startswith(b"fullfilter") else name.decode().removeprefix("rocksdb.")
        if size > 0:
            parts[short] = (offset, size + TRAILER_BYTES)
    data = min(offset for part, (offset, _) in parts.items())
    if data > 0:
        parts["data"] = (0, data)
    return parts


def records_of(path):
    """(first byte, bytes) of each record of a manifest."""
    content, at, records = path.read_bytes(), 0, []
    while at + LOG_HEADER_BYTES <= len(content):
        size, = struct.unpack_from("<H", content, at + 4)
        if size == 0:
            break
        records.append((at, LOG_HEADER_BYTES + size))
        at += LOG_HEADER_BYTES + size
    return records


def family_of(path):
    """The name of the column family that a table belongs to."""
    content = path.read_bytes()
    offset, size = table_parts(path)["properties"]
    return dict(entries_of(content[offset:offset + size - TRAILER_BYTES]))[b"rocksdb.column.family.name"].decode()
