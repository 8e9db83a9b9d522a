"""The grammar: what a file may say, what each wrong word is answered, and that nothing else ever comes out."""

import copy

import pytest
import space_strategies
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nas.document import parse
from nas.errors import SpaceError
from nas.network.options import options_of
from nas.registry import BLOCKS
from nas.space.grammar import parse_space, to_dict
from nas.space.library import load_architecture, load_space, shipped

TEXT = """\
name: tiny
resolution: 16
stem: {kind: [conv, patchify], width: [8, 16]}
stages:
  - {block: [conv, mbconv], depth: [1, 2], width: [8, 16], stride: 2}
  - {block: [transformer, moat], depth: {from: 1, to: 3}, width: 16, stride: 1,
     blocks: {moat: {head_dim: 8}}}
blocks:
  mbconv: {expansion: [1, 2], se_ratio: [0, 0.25]}
  transformer: {head_dim: [4, 8]}
head: {kind: pool}
"""


def _stages():
    return [{"block": "conv", "depth": 1, "width": 8, "stride": 1}]


def changed(*keys, value):
    """TEXT as plain data with another value at a key."""
    data = yaml.safe_load(TEXT)
    if not keys:
        return value
    place = data
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return data


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(space_strategies.spaces())
def test_a_space_round_trips(data):
    space = load_space(data)
    assert load_space(to_dict(space)) == space
    assert parse_space(parse(yaml.safe_dump(to_dict(space)))) == space


def test_every_shipped_file_round_trips():
    for name in shipped():
        space = load_space(name)
        assert load_space(to_dict(space)) == space, name


def test_a_published_network_is_a_space_of_one():
    assert load_space("coatnet_0").size() == 1
    assert load_architecture("coatnet_0").layout() == "M-M-T-T"


def test_what_is_absent_has_its_default():
    space = load_space({"stem": {"kind": "conv", "width": 8}, "stages": _stages()})
    assert (space.name, space.resolution, space.channels, space.classes) == ("unnamed", (224,), 3, 1000)
    assert space.head.kinds == ("pool",)


def test_a_range_includes_both_ends():
    assert load_space(changed("stages", 0, "depth", value={"from": 1, "to": 7, "step": 3})).stages[0].depths == (
        1,
        4,
        7,
    )
    assert load_space(changed("stages", 0, "depth", value={"from": 2, "to": 2})).stages[0].depths == (2,)


def test_a_stage_overrides_the_space():
    data = changed("stages", 0, "blocks", value={"mbconv": {"expansion": 6}})
    data["stages"].append({"block": ["mbconv", "conv"], "depth": 1, "width": 16, "stride": 1, "expansion": 3})
    space = load_space(data)
    assert space.stages[0].options["mbconv"] == {"expansion": (6,), "se_ratio": (0, 0.25)}
    assert space.stages[2].options["mbconv"]["expansion"] == (3,)


def test_an_option_is_known_by_whatever_the_constructor_has():
    for kind in BLOCKS.names():
        for name, option in options_of(BLOCKS, kind).items():
            stage = {"block": kind, "depth": 1, "width": 960, "stride": 1, name: option.default}
            assert load_space({"stem": {"kind": "conv", "width": 8}, "stages": [stage]}).stages[0].options[kind] == {
                name: (option.default,)
            }


@pytest.mark.parametrize(
    ("keys", "value", "says"),
    [
        (("name",), "", "file:1: name: .*at least 1 character"),
        (("name",), 7, "file:1: name: found 7: a word is needed"),
        (("name",), " lead", "file:1: name: found ' lead': a name is one line, without blanks at its ends, tabs or"),
        (("name",), "new\nline", r"file:1: name: found 'new\\nline': a name is one line"),
        (("name",), "x\u2028y", r"file:1: name: found 'x\\u2028y': a name is one line"),
        (("name",), "x\ty", r"file:1: name: found 'x\\ty': a name is one line"),
        (("resolution",), 3, "file:2: resolution: found 3: .*a side is 4 to 2048 pixels"),
        (("resolution",), "32", "file:2: resolution: found '32': a whole number is needed"),
        (("resolution",), 10**9, "file:2: resolution: found 1000000000: .*a side is 4 to 2048 pixels"),
        (("resolution",), [], "file:2: resolution: .*empty list"),
        (("resolution",), [8, 16, 16], "file:2: resolution: .*the choice 16 is written twice"),
        (
            ("resolution",),
            "32-64",
            "file:2: .*a whole number is needed; a range is written {from: 32, to: 64}, a choice",
        ),
        (("channels",), [1, 3], "channels: "),
        (("channels",), "1-3", "channels: found '1-3': a whole number is needed$"),
        (("classes",), 0, "classes: found 0: at least 1 is needed"),
        (("stem", "kind"), "konv", "file:3: stem.kind: unknown stem 'konv'. Did you mean 'conv'"),
        (("stem", "width"), 0, "file:3: stem.width: found 0"),
        (("stem", "width"), -8, "file:3: stem.width: found -8"),
        (("stem", "width"), 8.0, "file:3: stem.width: found 8.0: a whole number is needed"),
        (("stem", "width"), 1e3, "file:3: stem.width: found 1000.0: a whole number is needed; write 1000$"),
        (("stem", "width"), {8, 16}, "file:3: stem.width: found {8, 16}: a choice must be a single number"),
        (("stem", "width"), True, "file:3: stem.width: found true: a whole number is needed"),
        (("stem", "width"), None, "file:3: stem.width: found nothing: a whole number is needed"),
        (("stem", "width"), 10**15, "file:3: stem.width: .*8192"),
        (("stem", "wide"), 8, "file:3: stem.wide: unknown key 'wide'. Did you mean 'width'"),
        (("stem",), "conv", "file:3: stem: .*a mapping is needed"),
        (("stem",), "kind:conv", "file:3: stem: a space is missing after the colon: .*, write 'kind: conv'"),
        ((), "name:tiny", "file:1: a space is missing after the colon: found 'name:tiny', write 'name: tiny'"),
        (("head",), "pool", "file:[0-9]+: head: found 'pool': a mapping is needed here, such as {kind: pool}"),
        (("stages",), [], "file:4: stages: .*at least 1 item"),
        (("stages",), {"block": "conv"}, "file:4: stages: found {block: conv}: a list is needed"),
        (("stages",), _stages() * 33, "file:4: stages: .*at most 32"),
        (("stages", 0), "conv", "file:5: stages.0: .*a mapping is needed here, such as {block: conv, depth: 2"),
        (("stages", 0, "block"), "mbcnv", "file:5: stages.0.block: unknown block 'mbcnv'. Did you mean 'mbconv'"),
        (
            ("stages", 0, "block"),
            "qqqq",
            r"file:5: .*unknown block 'qqqq'\. Allowed: .*\. A block .* --plugins FILE\.$",
        ),
        (("stages", 0, "block"), "mbcnv", "Allowed: [^.]*[.]$"),
        (("stages", 0, "block"), [["conv"]], "file:5: stages.0.block: .*not a list"),
        (("stages", 0, "block"), ["any", "conv"], "file:5: stages.0.block: .*'any' offers every block; write it alone"),
        (("stages", 0, "depth"), 65, "file:5: stages.0.depth: found 65"),
        (("stages", 0, "depth"), {"from": 3, "to": 1}, "file:5: stages.0.depth: found {from: 3, to: 1}: .*upwards"),
        (("stages", 0, "depth"), {"from": 1, "upto": 2}, "file:5: stages.0.depth: .*written {from: 1, to: 4"),
        (
            ("stages", 0, "depth"),
            {"from": 1, "to": 3, "log": True},
            "file:5: stages.0.depth: .*'log' is no key of a range",
        ),
        (("stages", 0, "depth"), "1-3", "file:5: .*a range is written {from: 1, to: 3}, a choice \\[1, 3\\]$"),
        (("stages", 0, "depth"), ["1 to 3"], "file:5: .*a range is written {from: 1, to: 3}"),
        (("stages", 0, "depth"), {"from": 1, "to": 10**12}, "file:5: stages.0.depth: .*more than 1000 choices"),
        (("stages", 0, "depth"), {"from": 1, "to": 2, "step": 0}, "file:5: stages.0.depth: .*step"),
        (("stages", 0, "depth"), {"from": 1, "to": 2.5}, "file:5: stages.0.depth: .*whole numbers"),
        (("stages", 0, "stride"), 3, "file:5: stages.0.stride: found 3: 1 or 2 is needed"),
        (("stages", 0, "stride"), 2.0, "file:5: stages.0.stride: found 2.0: write a whole number"),
        (("stages", 0, "stride"), [1, True], "file:5: stages.0.stride.*: found true: write a whole number"),
        (("stem", "stride"), 2.0, "stem.stride: 2.0 is not allowed: write one of 1, 2"),
        (("stages", 0, "expansion"), 99, "file:5: stages.0.expansion: 99 is not allowed: write .*at most 16"),
        (("stages", 1, "blocks", "mot"), {}, "file:7: stages.1.blocks.mot: this stage does not offer 'mot'. .*'moat'"),
        (("stages", 1, "blocks", "moat", "head_dim"), 0, "file:7: .*head_dim: 0 is not allowed"),
        (("stages", 1, "blocks", "moat", "head_dim"), 7, "file:6: stages.1.width: moat: width 16 .*head_dim 7"),
        (("stages", 1, "moat"), {"head_dim": 8}, "file:6: .*lie in 'blocks' of its stage .*: {moat: {head_dim: 8}}$"),
        (("moat",), {"head_dim": 8}, "file:.*: moat: the options of a block lie in 'blocks': blocks: {moat: "),
        (("blocks", "mbcnv"), {}, "file:8: blocks.mbcnv: unknown block 'mbcnv'"),
        (("blocks", "moat"), 8, "file:8: blocks.moat: found 8: a mapping is needed here, such as blocks: {mbconv: "),
        (("blocks", "swin"), {"window": 7}, "file:8: blocks.swin: no stage offers 'swin'. Allowed: conv, mbconv, tra"),
        (("blocks", "mbconv", "expansion"), None, "file:9: .*found nothing: a number, a word or true/false is needed"),
        (("blocks", "mbconv", "expand"), 3, "file:9: .*no option 'expand'. Did you mean 'expansion'"),
        (("blocks", "mbconv", "se_ratio"), [0, 2.5], "file:9: .*2.5 is not allowed: write a number from 0 to 1"),
        (("blocks", "mbconv", "se_ratio"), float("nan"), "file:9: .*nan is not allowed"),
        (("blocks", "mbconv", "expansion"), float("inf"), "file:9: .*inf is not allowed"),
        (("blocks", "mbconv", "expansion"), "four", "file:9: .*'four' is not allowed"),
        (("blocks", "mbconv", "expansion"), True, "file:9: .*expansion: true is not allowed: write a number"),
        (("blocks", "mbconv", "expansion"), "2-6", r"file:9: .*a range is written {from: 2, to: 6}, a choice \[2, 6\]"),
        (("blocks", "mbconv", "expansion"), "x" * 5000, r"file:9: .{,500}$"),
        (("blocks", "mbconv", "expansion"), [4, 4.0], "file:9: .*written twice"),
        (("blocks", "transformer", "head_dim"), [5, 7], "file:6: stages.1.width: transformer: width 16 .*head_dim 5"),
        (
            ("head", "norm"),
            "bacth",
            "file:11: head.norm: 'bacth' is not allowed. Did you mean 'batch'.*Allowed: layer, ",
        ),
        (("head", "norm"), 3, "file:11: head.norm: 3 is not allowed. Allowed: layer, batch, none.$"),
        (("head", "levels"), 2, "file:11: head.levels: 'levels' is an option of detr, which the head does not offer. "),
        (
            ("stages", 0, "head_dim"),
            8,
            "'head_dim' is an option of .*moat, .*, which this stage does not offer. Allowed: ",
        ),
        (("head", "kind"), "pol", "file:11: head.kind: unknown head 'pol'. Did you mean 'pool'"),
        (
            ("head", "kind"),
            "class_token",
            "stages.1.block: the head 'class_token' reads a class token.*in the last stage offer",
        ),
        (("heads",), {"kind": "pool"}, "unknown key 'heads'. Did you mean 'head'"),
    ],
)
def test_a_mistake_is_named_with_line_key_and_remedy(keys, value, says):
    doc = parse(TEXT, "file")
    broken = type(doc)(changed(*keys, value=value), "file", doc.lines)
    with pytest.raises(SpaceError, match=says):
        parse_space(broken)


@pytest.mark.parametrize(
    ("value", "says"),
    [(8, "8 is not allowed for the head 'pool', .* share its values: write true or false"),
     (True, "true is not allowed for the head 'detr', .* share its values: write a whole number")],
)  # fmt: skip
def test_where_heads_differ_in_what_an_option_may_be_the_one_that_refuses_is_named(value, says):
    doc = parse(TEXT, "file")
    broken = type(doc)(changed("head", value={"kind": ["detr", "pool"], "hidden": value}), "file", doc.lines)
    with pytest.raises(SpaceError, match=f"head.hidden: {says}"):
        parse_space(broken)


@pytest.mark.parametrize(
    ("stage", "blocks", "says"),
    [
        (
            {"block": "vit", "width": [64, 65]},
            {},
            r"stages\.0\.width: vit: width 65 is not divisible by head_dim 64; write",
        ),
        (
            {"block": "moat", "width": [64, 96], "head_dim": [32, 7]},
            {},
            r"stages\.0\.head_dim: 7 suits no width: moat: width 64 is not divisible by head_dim 7; write another",
        ),
        (
            {"block": "moat", "width": 64},
            {"moat": {"head_dim": [32, 7]}},
            r"blocks\.moat\.head_dim: 7 suits no width: moat",
        ),
        (
            {"block": ["conv", "moat"], "width": 64, "blocks": {"moat": {"head_dim": [32, 48]}}},
            {},
            r"stages\.0\.blocks\.moat\.head_dim: 48 suits no width: moat: width 64 is not divisible by head_dim 48",
        ),
    ],
)
def test_a_width_or_a_value_that_can_never_stand_is_named(stage, blocks, says):
    stages = [stage | {"depth": 1, "stride": 2}]
    with pytest.raises(SpaceError, match=says):
        load_space({"stem": {"kind": "conv", "width": 8}, "stages": stages, "blocks": blocks})


def test_a_value_that_suits_one_stage_is_offered_to_all():
    stages = [{"block": "moat", "depth": 1, "width": width, "stride": 2} for width in (16, 24)]
    options = {"moat": {"head_dim": [8, 12, 16]}}
    space = load_space({"stem": {"kind": "conv", "width": 8}, "stages": stages, "blocks": options})
    assert space.size() == 4
    assert load_space(to_dict(space)) == space


def test_of_an_option_that_is_written_several_times_the_narrowest_counts():
    stage = {"block": ["moat", "transformer"], "depth": 1, "width": 64, "stride": 2}
    named = {"head_dim": [8, 16], "mlp_ratio": 2, "blocks": {"moat": {"head_dim": 32}}}
    options = {"moat": {"head_dim": 64, "expansion": 2}, "transformer": {"head_dim": 64, "mlp_ratio": 4}}
    space = load_space({"stem": {"kind": "conv", "width": 8}, "stages": [stage | named, stage], "blocks": options})
    assert [slot.options for slot in space.stages] == [
        {"moat": {"expansion": (2,), "head_dim": (32,)}, "transformer": {"head_dim": (8, 16), "mlp_ratio": (2,)}},
        {"moat": {"expansion": (2,), "head_dim": (64,)}, "transformer": {"head_dim": (64,), "mlp_ratio": (4,)}},
    ]
    assert load_space(to_dict(space)) == space


def test_a_stage_that_is_the_last_where_others_are_left_out_is_told_as_such():
    stages = [*_stages(), {"block": "vit", "depth": [0, 1], "width": 64, "stride": 1}]
    space = {"stem": {"kind": "conv", "width": 8}, "stages": stages, "head": {"kind": "class_token"}}
    says = "'conv' does not carry: in stage 0, the last where those after it are left out, offer only cvt or vit"
    with pytest.raises(SpaceError, match=says):
        load_space(space)


@pytest.mark.parametrize("key", ["kind", "width"])
def test_a_missing_key_is_named(key):
    data = yaml.safe_load(TEXT)
    del data["stem"][key]
    with pytest.raises(SpaceError, match=f"stem: the key '{key}' is missing"):
        load_space(data)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("block: [conv", "blok: [conv", r":5: stages\.0\.blok: unknown key 'blok'\. Did you mean 'block'\? Allowed: "
         r"block, depth, width, stride, blocks and the options of its kinds\.$"),
        ("stem:", "stm:", r":3: stm: unknown key 'stm'\. Did you mean 'stem'\? Allowed: name, resolution, channels, "
         r"classes, stem, stages, blocks, head\.$"),
        ("patchify], width", "patchify], wdth", r":3: stem\.wdth: unknown key 'wdth'\. Did you mean 'width'\? Allowed: "
         r"kind, width and the options of its kinds\.$"),
        ("block: [conv, mbconv], ", "", r":5: stages\.0: the key 'block' is missing$"),
    ],
)  # fmt: skip
def test_a_misspelt_key_is_named_with_the_one_that_is_missing(before, after, says):
    assert before in TEXT
    with pytest.raises(SpaceError, match=says):
        parse_space(parse(TEXT.replace(before, after), "file"))


@pytest.mark.parametrize("value", [None, 1, "text", [], [1], True, 1.5])
def test_a_space_is_a_mapping(value):
    with pytest.raises(SpaceError, match=r"^<text>(:1)?: (a search space is a mapping|empty)"):
        parse_space(parse(yaml.safe_dump(value)))


# ---- fuzzing: only SpaceError may come out

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-2, 70), st.floats(), st.text(max_size=8), st.dates(),
    st.sampled_from(("conv", "mbconv", "moat", "transformer", "pool", "class_token", "kind", 10**30, b"x")),
)  # fmt: skip
KEYS = st.sampled_from(
    ("name", "resolution", "stem", "stages", "block", "blocks", "depth", "width", "stride", "kind", "head", "from",
     "to", "step", "head_dim", "expansion", "mbconv", "conv", "moat", "window", "classes", "channels")
) | st.text(max_size=6)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


def loads_or_refuses(read):
    try:
        space = read()
    except SpaceError as error:
        assert str(error)  # noqa: PT017
        return
    assert load_space(to_dict(space)) == space
    assert space.size() >= 1
    space.smallest()
    space.largest()


@settings(max_examples=300, deadline=5000)
@given(st.text(max_size=200) | st.text("abn: -[]{},&*!|>'\"\n\t#%@?0.~<", max_size=60))
@example("a: !!bool x")
@example("\x00")
@example("? [a]\n: b")
@example("<<: 1")
@example("stem: {kind: conv, width: 0x" + "f" * 5000 + "}")
@example("stages: 1:30:30\nstem: {kind: conv, width: 1_000}")
def test_no_text_raises_anything_but_a_space_error(text):
    loads_or_refuses(lambda: parse_space(parse(text)))


@settings(max_examples=300, deadline=5000)
@given(st.binary(max_size=100))
def test_no_file_raises_anything_but_a_space_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_bytes(data)
    loads_or_refuses(lambda: load_space(path))


@settings(max_examples=400, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_change_of_a_valid_space_raises_anything_but_a_space_error(data):
    space = copy.deepcopy(yaml.safe_load(TEXT))
    for _ in range(data.draw(st.integers(1, 3))):
        place, key = data.draw(st.sampled_from(_places(space)))
        action = data.draw(st.sampled_from(("set", "delete", "add")))
        if action == "set":
            place[key] = data.draw(VALUES)
        elif action == "delete":
            del place[key]
        elif isinstance(place, dict):
            place[data.draw(KEYS)] = data.draw(VALUES)
        if not space:
            return
    loads_or_refuses(lambda: load_space(space))


@settings(max_examples=300, deadline=5000)
@given(st.integers(0, len(TEXT) - 1), st.integers(0, 12), st.text(max_size=5))
def test_no_edit_of_a_valid_text_raises_anything_but_a_space_error(at, cut, put):
    loads_or_refuses(lambda: parse_space(parse(TEXT[:at] + put + TEXT[at + cut :])))


def _places(value):
    """Every `(container, key)` of nested data."""
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    else:
        return []
    return [(value, key) for key, _ in items] + [place for _, inner in items for place in _places(inner)]


def test_a_key_that_nobody_knows_comes_before_one_that_is_missing():
    with pytest.raises(SpaceError, match=r"file:2: extends: unknown key 'extends'\. Allowed: name"):
        parse_space(parse("name: tiny\nextends: cvt_family\n", "file"))
    with pytest.raises(SpaceError, match=r"unknown key 'stm'\. Did you mean 'stem'"):
        parse_space(parse("name: tiny\nstm: {kind: conv, width: 8}\nstages: []\n", "file"))
