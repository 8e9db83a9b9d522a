"""Programs of torch.export: the same logits bit for bit, and no file that can run code is opened."""

import io
import json

import pytest
import torch
from hostile import pickled, saved
from small_models import every_part, model_of
from torch.export.pt2_archive._package import PT2ArchiveReader, PT2ArchiveWriter

from nas.errors import SettingError
from nas.report.export import export
from nas.report.exported import open_exported
from nas.report.tracing import quiet

GRAPH, WEIGHTS = "models/model.json", "data/weights/model_weights_config.json"


@pytest.mark.long
@pytest.mark.parametrize("parts", list(every_part()), ids=lambda parts: "-".join([*parts[0], *parts[1:]]))
def test_every_block_stem_and_head_computes_the_same(parts, tmp_path):
    model = model_of(*parts, side=32)
    done = export(model, "pt2", tmp_path / "m.pt2")
    of_maps = model.network.head.wants_maps  # whose attention over tokens torch may compute in another order
    same = (
        ("the same boxes bit for bit", "largest difference from PyTorch") if of_maps else "the same logits bit for bit"
    )
    assert done.checks[0].startswith(same)
    assert " at batch sizes 1, 2, 5" in done.checks[0]
    images = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        for found in (torch.export.load(done.path).module()(images), open_exported(done.path).run(images)):
            torch.testing.assert_close(found, model(images), rtol=0, atol=1e-6 if of_maps else 0)


def test_it_is_quiet_and_says_no_path_of_this_machine(capfd, caplog, tmp_path):
    path = export(model_of(["conv"]), "pt2", tmp_path / "m.pt2").path
    open_exported(path)
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.levelno > 20]
    assert b".py" not in path.read_bytes()


def changed(path, **records):
    """Write an archive again with other contents of some records."""
    reader = PT2ArchiveReader(io.BytesIO(path.read_bytes()))
    contents = {name: reader.read_bytes(name) for name in reader.get_file_names()
                if not name.startswith((".data/", "byteorder", ".format", ".storage"))}  # fmt: skip
    file = io.BytesIO()
    with PT2ArchiveWriter(file) as writer:
        for name, data in (contents | records).items():
            writer.write_bytes(name, data)
    return file.getvalue()


def edited(path, record, change):
    """The same with a change to the JSON of a record."""
    data = json.loads(PT2ArchiveReader(io.BytesIO(path.read_bytes())).read_string(record))
    change(data)
    return changed(path, **{record: json.dumps(data).encode()})


def nodes(data):
    return data["graph_module"]["graph"]["nodes"]


def test_an_archive_written_again_unchanged_opens(shipped, tmp_path):
    (tmp_path / "m.pt2").write_bytes(changed(shipped("pt2")))
    assert open_exported(tmp_path / "m.pt2").run(torch.rand(2, 1, 8, 8)).shape == (2, 10)


def test_torch_itself_runs_what_such_a_file_pickles(shipped, tmp_path):
    """Why nas has a reader of its own: were this to fail, torch had become safe."""
    data = changed(shipped("pt2"), **{"data/sample_inputs/model.pt": saved(tmp_path / "ran")})
    with quiet():
        torch.export.load(io.BytesIO(data))
    assert (tmp_path / "ran").exists()


CODE = "__import__('pathlib').Path({0!r}).touch()"
CALLS = {
    "a size as code": lambda d, code: d["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0]["as_expr"].update(
        expr_str=code
    ),
    "a guard as code": lambda d, code: d.update(guards_code=[code]),
    "a range as code": lambda d, code: d["range_constraints"].update({code: {"min_val": 0, "max_val": None}}),
    "a function of torch": lambda d, code: nodes(d)[0].update(target="torch.load"),
    "a file opened": lambda d, code: nodes(d)[0].update(target="torch.ops.aten.from_file.default"),
    "a file saved": lambda d, code: nodes(d)[0].update(target="torch.ops.aten.save.default"),
    "a private name": lambda d, code: nodes(d)[0].update(target="torch.ops.aten.__class__.mro"),
    "an operator of others": lambda d, code: nodes(d)[0].update(target="torch.ops.profiler._record_function_enter"),
    "an extension": lambda d, code: nodes(d)[0].update(target="#triton:kernel"),
    "metadata": lambda d, code: nodes(d)[0].update(metadata={"source_fn_stack": "a,torch.load"}),
    "a tree of another kind": lambda d, code: d["graph_module"]["module_call_graph"][0]["signature"].update(
        in_spec=json.dumps([1, {"type": "os.system", "context": "null", "children_spec": []}])
    ),
}


@pytest.mark.parametrize("how", CALLS)
def test_a_graph_that_may_run_code_is_refused(how, shipped, tmp_path):
    marker = tmp_path / "ran"
    code = CODE.format(str(marker))
    (tmp_path / "m.pt2").write_bytes(edited(shipped("pt2"), GRAPH, lambda data: CALLS[how](data, code)))
    with pytest.raises(SettingError, match="only files that nas exported are read, as others can run code"):
        open_exported(tmp_path / "m.pt2")
    assert not marker.exists()


def test_pickles_inside_are_refused(shipped, tmp_path):
    marker, path = tmp_path / "ran", tmp_path / "m.pt2"

    def pickle_first(table):
        first = next(iter(table["config"].values()))
        first.update(use_pickle=True, path_name="weight_0")

    def name_object(table):
        next(iter(table["config"].values())).update(use_pickle=True, path_name="opaque_obj_0")

    weights = edited(shipped("pt2"), WEIGHTS, pickle_first)
    path.write_bytes(weights)
    (tmp_path / "w.pt2").write_bytes(changed(path, **{"data/weights/weight_0": saved(marker)}))
    (tmp_path / "i.pt2").write_bytes(changed(shipped("pt2"), **{"data/sample_inputs/model.pt": saved(marker)}))
    (tmp_path / "l.pt2").write_bytes(changed(shipped("pt2"), **{"data/weights/model.pt": saved(marker)}))
    (tmp_path / "a.pt2").write_bytes(changed(shipped("pt2"), **{"data/aotinductor/model/a.so": b"\x7fELF"}))
    constants = edited(shipped("pt2"), "data/constants/model_constants_config.json", name_object)
    path.write_bytes(constants)
    (tmp_path / "c.pt2").write_bytes(changed(path, **{"data/constants/opaque_obj_0": pickled(marker)}))
    for name in "wilac":
        with pytest.raises(SettingError, match="only files that nas exported are read"):
            open_exported(tmp_path / f"{name}.pt2")
    assert not marker.exists()


def test_other_numbers_of_classes_than_the_metadata_name(shipped, tmp_path):
    reader = PT2ArchiveReader(io.BytesIO(shipped("pt2").read_bytes()))
    architecture = reader.read_string("extra/architecture").replace('"classes": 10', '"classes": 3')
    data = changed(shipped("pt2"), **{"extra/architecture": architecture.encode(), "extra/classes": b'["a", "b", "c"]'})
    (tmp_path / "m.pt2").write_bytes(data)
    with pytest.raises(SettingError, match="gives 10 outputs, but its metadata name 3 classes"):
        open_exported(tmp_path / "m.pt2")
