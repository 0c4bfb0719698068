"""Films and people as documents of the embedded search: the schema, what is written, what was read of a commit."""

import tantivy

from theatre.kit.ids import new_id
from theatre.movies.search import FACETS, Entry
from theatre.movies.search.writing import NUMBERS, TEXTS, Known, known_of, number_of, written_of

MOST_READ = 10_000
BYTES = ("shown", "digest")


def make_schema() -> tantivy.Schema:
    """Make the schema; words come folded, so tokens are parted by spaces alone."""
    builder = tantivy.SchemaBuilder()
    for field in ("id", "kind"):
        builder.add_text_field(field, stored=True, tokenizer_name="raw", index_option="basic")
    for field in TEXTS:
        builder.add_text_field(field, tokenizer_name="words", index_option="freq")
    builder.add_text_field("whole", tokenizer_name="raw", index_option="basic")
    for field in FACETS:
        builder.add_text_field(field, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("credit", tokenizer_name="raw", index_option="basic")
    for field in NUMBERS:
        builder.add_integer_field(number_of(field), indexed=True)
    builder.add_float_field("weight", fast=True)
    for field in BYTES:
        builder.add_bytes_field(field, stored=True)
    return builder.build()


def document_of(entry: Entry) -> tantivy.Document:
    """Write an entry as a document."""
    document = tantivy.Document()
    for field, value in written_of(entry).items():
        if isinstance(value, int):
            document.add_integer(field, value)
        elif isinstance(value, float):
            document.add_float(field, value)
        elif field in BYTES:
            document.add_bytes(field, str(value).encode())
        else:
            for word in [value] if isinstance(value, str) else value:
                document.add_text(field, word)
    return document


def bytes_in(document: tantivy.Document, field: str) -> str:
    """Read a text that is only kept."""
    return bytes(document.get_first(field) or b"").decode()


class Shelf:
    """What was read of one commit of the index, so that it is not fetched and read again for the next question."""

    def __init__(self, searcher: tantivy.Searcher) -> None:
        self.name = str(new_id())
        self.searcher = searcher
        self._known: dict[tuple[int, int], Known] = {}

    def read(self, address: tantivy.DocAddress) -> Known:
        """Give what is known of a document."""
        place = (address.segment_ord, address.doc)
        known = self._known.get(place)
        if known is None:
            document = self.searcher.doc(address)
            known = known_of(str(document.get_first("id")), bytes_in(document, "shown"))
            self._known[place] = known
            if len(self._known) > MOST_READ:
                # the first that was read is as good as any to go; another thread may have taken it away
                self._known.pop(next(iter(self._known)), None)
        return known
