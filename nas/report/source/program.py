"""A network as the text of one Python file: what it needs, and its layout written out."""

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from nas.network.architecture import Architecture
from nas.network.blocks import Site, strided
from nas.network.build import Network, skeleton, walk
from nas.registry import BLOCKS, HEADS, STEMS
from nas.report.source.gather import Definition, Sources
from nas.report.source.layout import WIDTH, tidy
from nas.report.source.modules import Key
from nas.report.source.names import Names
from nas.training.model import Model

STAGE = '''class Stage(nn.Sequential):
    """Blocks of one kind, one after another; `first` is the site of the first one, `rates` yields their drop path."""

    def __init__(self, block: type[nn.Module], first: {site}, rates: Iterator[float], **options: float | str) -> None:
        blocks, site = [], first
        for index in range(first.depth):
            blocks.append(block(replace(site, index=index, drop_path=next(rates)), **options))
            site = replace(site, in_width=site.width, stride=1, resolution=site.out_resolution)
        super().__init__(*blocks)
'''
NORMALISE = '''def normalise(x: Tensor) -> Tensor:
    """Standardise images `(batch, channels, height, width)` of values from 0 to 1 as in training."""
    mean, std = (x.new_tensor(values).view(-1, 1, 1) for values in (MEAN, STD))
    return (x - mean) / std
'''


class Part(NamedTuple):
    """A stem, block or head in use: its class and the name that it gets."""

    kind: type
    name: str

    @property
    def key(self) -> Key:
        """Where its class is defined."""
        return Key(self.kind.__module__, self.kind.__qualname__)


class Stage(NamedTuple):
    """A stage as the file writes it, the site of its first block among it."""

    block: str
    site: Site
    options: Mapping[str, object]


@dataclass(frozen=True)
class Program:
    """A network and the code that it needs, ready to be written as a file.

    `imports` lists what the file itself needs, a module and a name each (none: the module as a whole); `taken` are the
    names that it defines.
    """

    architecture: Architecture
    model: Model | None
    taken: tuple[str, ...]
    imports: tuple[Key, ...]

    @cached_property
    def stem(self) -> Part:
        """The stem."""
        return _part(STEMS.get(self.architecture.stem.kind), "Stem")

    @cached_property
    def blocks(self) -> dict[str, Part]:
        """The blocks in use by kind, in order."""
        return {s.block: _part(BLOCKS.get(s.block), "Block") for s in self.architecture.stages}

    @cached_property
    def head(self) -> Part:
        """The head."""
        return _part(HEADS.get(self.architecture.head.kind), "Head")

    @property
    def wants_token(self) -> bool:
        """Whether a class token joins the map in the last stage."""
        return bool(HEADS.get(self.architecture.head.kind).wants_token)

    @property
    def outputs(self) -> str:
        """The kind of outputs that the head gives."""
        return str(HEADS.get(self.architecture.head.kind).outputs)

    @property
    def wants_maps(self) -> bool:
        """Whether the head takes the maps of all stages."""
        return bool(HEADS.get(self.architecture.head.kind).wants_maps)

    @property
    def head_width(self) -> str:
        """Write the width of the map that the head takes, or of those of all stages."""
        widths = [str(stage.width) for stage in self.architecture.stages]
        return sequence(widths) if self.wants_maps else widths[-1]

    @cached_property
    def names(self) -> Names:
        """The code that the parts need, under names that do not clash. Raises SettingError where it cannot go along."""
        parts = list({part.key: part for part in (self.stem, *self.blocks.values(), self.head)}.values())
        sources = Sources([part.kind for part in parts], also=[Site])
        wanted = {part.key: part.name for part in parts} | {Key(Site.__module__, "Site"): "Site"}
        return Names(sources, wanted, self.taken, self.imports)

    @cached_property
    def network(self) -> Network:
        """The network, without memory for weights if it has none."""
        return skeleton(self.architecture) if self.model is None else self.model.network

    @property
    def stem_stride(self) -> int:
        """The factor by which the stem reduces an image."""
        return int(self.network.stem.stride)

    @property
    def size(self) -> str:
        """The number of parameters in words."""
        count = sum(parameter.numel() for parameter in self.network.parameters())
        return f"{count / 1e6:.1f} million parameters" if count >= 1e5 else f"{count:,} parameters"

    def stages(self) -> Iterator[Stage]:
        """Yield the stages in order."""
        side = (self.architecture.resolution, self.architecture.resolution)
        for spec, width, resolution, token in walk(self.architecture, strided(side, self.stem_stride)):
            site = Site(width, spec.width, spec.stride, resolution, depth=spec.depth, token=token)
            yield Stage(self.names.of(self.blocks[spec.block].key), site, spec.options)

    def reductions(self) -> list[int]:
        """List the factors by which each stage's map is smaller than the image."""
        factors, factor = [], self.stem_stride
        for spec in self.architecture.stages:
            factor *= spec.stride
            factors.append(factor)
        return factors

    def stage_calls(self) -> str:
        """Write the list of stages, a call of `Stage` each."""
        calls = [f"Stage({s.block}, {self.site(s.site)}, rates{arguments(s.options)})" for s in self.stages()]
        return f"[{', '.join(calls)}]"

    @property
    def site_name(self) -> str:
        """The name of `Site` in the file."""
        return self.names.of(Key(Site.__module__, "Site"))

    @property
    def title(self) -> str:
        """The network's name, as far as it may stand in a docstring."""
        return plain(self.architecture.name)

    def site(self, site: Site) -> str:
        """Write the site of a stage's first block."""
        token = ", token=True" if site.token else ""
        given = f"{site.in_width}, {site.width}, {site.stride}, {site.resolution}, depth={site.depth}"
        return f"{self.site_name}({given}{token})"

    def part_call(self, part: Part, *given: str, options: Mapping[str, object]) -> str:
        """Write the call that makes a stem or a head."""
        return f"{self.names.of(part.key)}({', '.join(given)}{arguments(options)})"

    @property
    def depth(self) -> int:
        """The number of blocks."""
        return sum(stage.depth for stage in self.architecture.stages)

    def table(self) -> str:
        """Describe the network in lines of text, indented: each part with the map that it gives."""
        a, scale = self.architecture, self.stem_stride
        side = -(-a.resolution // scale)
        rows = [("stem", self.names.of(self.stem.key), f"{a.stem.width} channels, {side} x {side}")]
        for index, stage in enumerate(self.stages()):
            height, width = stage.site.out_resolution
            size = f"{stage.site.width} channels, {height} x {width}"
            rows.append((f"stages.{index}", f"{stage.site.depth} x {stage.block}", size))
        rows.append(("head", self.names.of(self.head.key), f"{a.classes} classes"))
        widths = [max(len(row[i]) for row in rows) for i in range(2)]
        return "\n".join(f"    {a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows)

    def constants(self) -> str:
        """Write classes, normalisation and the shape of images as constants."""
        lines = []
        if self.model is not None:
            lines.append(f"CLASSES = {sequence(map(literal, self.model.classes))}\n")
            lines.append(f"MEAN = {short(self.model.mean.flatten().tolist())}\n")
            lines.append(f"STD = {short(self.model.std.flatten().tolist())}\n")
        lines += [f"CHANNELS = {self.architecture.channels}\n", f"RESOLUTION = {self.architecture.resolution}\n"]
        return "".join(map(tidy, lines))

    def text(self, header: str, constants: str, network: Iterable[str], head: str = "") -> str:
        """Put a file together of its docstring, its constants, the code that goes along, and its own classes."""
        own = "\n\n".join(map(tidy, network))
        body = f"{self.code(head)}\n\n{heading('The network')}\n\n\n{own}"
        return f"{tidy(header)}\n{self.names.imports(_used(constants + body))}\n{constants}\n\n{body}"

    def code(self, head: str = "") -> str:
        """Write the definitions that go along, under headings; `head` stands in the place of the head's own class."""
        homes = {self.stem.key.module: "The stem", self.head.key.module: "The head"}
        homes |= {part.key.module: "The blocks" for part in self.blocks.values()}
        pieces: list[tuple[str, bool, str]] = []
        title = module = ""
        for definition in self.names.definitions:
            home = homes.get(definition.module.name, "Layers")
            lead = heading(home) if home != title else ""
            if home == "The blocks" and definition.module.name != module:
                lead = "\n".join(filter(None, (lead, _note(definition))))
            constant = isinstance(definition.statement, ast.Assign | ast.AnnAssign)
            together = constant and pieces and pieces[-1][1] and definition.module.name == module
            key = Key(definition.module.name, getattr(definition.statement, "name", ""))
            text = head if head and key == self.head.key else self.names.text(definition)
            blank = "" if together or not pieces else "\n\n"
            pieces.append((f"{blank}{lead}\n\n\n" if lead else blank, constant, text))
            title, module = home, definition.module.name
        return "".join(lead + text for lead, _, text in pieces)


def _part(kind: type, suffix: str) -> Part:
    name = kind.__name__.lstrip("_")
    return Part(kind, name if name.endswith(suffix) else name + suffix)


def heading(title: str) -> str:
    return f"# {title} ".ljust(WIDTH, "-")


def _used(text: str) -> set[str]:
    """Return the names that a program uses, those in annotations within quotes too."""
    nodes = list(ast.walk(ast.parse(text)))
    quoted = (n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))
    words = (re.findall(r"\w+", value) for value in quoted if re.fullmatch(r"\w[\w.\[\], |]*", value))
    return {node.id for node in nodes if isinstance(node, ast.Name)}.union(*words)


def _note(definition: Definition) -> str:
    """Write what a module says of itself, such as the paper of its blocks, as a comment."""
    note = " ".join((ast.get_docstring(definition.module.tree) or "").split("\n\n")[0].split())
    return textwrap.fill(note, WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def arguments(options: Mapping[str, object]) -> str:
    """Write options as keyword arguments that follow others."""
    return "".join(f", {name}={literal(value)}" for name, value in options.items())


def sequence(items: Iterable[str]) -> str:
    """Write a tuple of texts."""
    items = list(items)
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def literal(value: object) -> str:
    """Write plain data as Python does, a text in double quotes unless single ones save escapes.

    Whatever cannot be printed is escaped, so that no text can leave its quotes or hide in the file.
    """
    if not isinstance(value, str):
        return repr(value)
    quote = "'" if value.count('"') > value.count("'") else '"'
    escaped = (f"\\{c}" if c in ("\\", quote) else c if c.isprintable() else repr(c)[1:-1] for c in value)
    return quote + "".join(escaped) + quote


def plain(name: str, otherwise: str = "network") -> str:
    """Reduce a name to what may stand in a docstring: letters, digits and a few marks, on one line."""
    return re.sub(r"[^\w.+ -]+", "_", name)[:80].strip(" _") or otherwise


def short(values: Iterable[float]) -> str:
    """Write numbers of 32 bits as a tuple, with no more digits than tell them apart."""
    return sequence(str(np.float32(value)) for value in values)
