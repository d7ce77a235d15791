"""Reads the XML of a labeling config into a small bounded tree; what a config has no use for is refused while reading.

No document type, so no entities beyond XML's own five; no processing instructions, no CDATA, no loose text. Comments
are dropped. Size and depth are checked before anything is built, so a hostile config costs next to nothing.
"""

from dataclasses import dataclass, field
from io import BytesIO
from xml.parsers import expat

from qualification.labels.errors import SchemaError, quoted

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Element:
    """One tag of the config, with the line it begins on."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list["Element"] = field(default_factory=list)


def read_markup(xml: str) -> Element:
    """The root element of a labeling config, or a SchemaError that says where and why not."""
    encoded = _encoded(xml)
    if "<!DOCTYPE" in xml:
        # Looked for before parsing: without a document type no entity can be declared, let alone fetched or expanded.
        line = xml[: xml.index("<!DOCTYPE")].count("\n") + 1
        raise SchemaError("A labeling config has no <!DOCTYPE …> and declares no entities; remove it.", line=line)
    return _Reader().read(encoded)


def _encoded(xml: str) -> bytes:
    try:
        encoded = xml.encode()
    except UnicodeEncodeError:
        raise SchemaError("The labeling config contains half of a character pair, which is no text.") from None
    if len(encoded) > MAX_BYTES:
        raise SchemaError(f"The labeling config is {len(encoded):,} bytes; at most {MAX_BYTES:,} are possible.")
    if not xml.strip():
        raise SchemaError("The labeling config is empty; it needs a <View> with an object and a control.")
    return encoded


class _Reader:
    def __init__(self) -> None:
        # The encoding is forced, so that a declaration inside the text cannot make the parser read other bytes.
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._open
        self._parser.EndElementHandler = self._close
        self._parser.CharacterDataHandler = self._text
        self._parser.StartCdataSectionHandler = self._cdata
        self._parser.ProcessingInstructionHandler = self._instruction
        self._open_elements: list[Element] = []
        self._root: Element | None = None

    def read(self, encoded: bytes) -> Element:
        try:
            self._parser.ParseFile(BytesIO(encoded))
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise SchemaError(f"The labeling config is not well-formed XML: {reason}.", line=error.lineno) from None
        assert self._root is not None
        return self._root

    @property
    def _line(self) -> int:
        return self._parser.CurrentLineNumber

    def _open(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open_elements) >= MAX_DEPTH:
            raise SchemaError(f"The tags are nested more than {MAX_DEPTH} deep.", line=self._line)
        element = Element(tag=tag, attributes=attributes, line=self._line)
        if self._open_elements:
            self._open_elements[-1].children.append(element)
        else:
            self._root = element
        self._open_elements.append(element)

    def _close(self, _tag: str) -> None:
        self._open_elements.pop()

    def _text(self, text: str) -> None:
        if text.strip():
            raise SchemaError(
                f'Text between tags, {quoted(text.strip())}, is not shown; put it into <Header value="…"/>.',
                line=self._line,
            )

    def _cdata(self) -> None:
        raise SchemaError("CDATA sections have no meaning in a labeling config.", line=self._line)

    def _instruction(self, target: str, _content: str) -> None:
        raise SchemaError(f"The processing instruction {quoted(target)} is not possible here.", line=self._line)
