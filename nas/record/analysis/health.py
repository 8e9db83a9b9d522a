"""Health checks of a search, in words: what speaks against its front, and what was looked at and is well.

Each check is a plain function that returns what it has to remark, or nothing where it does not apply.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from nas.data.copies import flattered
from nas.evaluation import units
from nas.evaluation.catalogue import objective
from nas.files import quoted
from nas.record.analysis.bounds import refused, rejecting, standing
from nas.record.analysis.counting import by_images, counting, guessing, training_images, validation_images
from nas.record.analysis.edges import Edge, edges
from nas.record.analysis.failures import culprits, failed_trials, reasons
from nas.record.analysis.growth import growth
from nas.record.analysis.repeats import predicted_and_measured
from nas.record.command import exhausted
from nas.record.listing import is_calibration
from nas.record.results import Result
from nas.record.run import Run
from nas.training.chance import so_many

GROWN = 0.01  # the share of the front that the last quarter of the trainings may win
FEW = 20  # trainings, below which a curve has no end to speak of
FAILED = 0.05  # the share of trials that may fail
CLEAR = 0.25  # of the front's span, that chance may move an accuracy by
EACH = 5  # trainings a decision, by a rule of thumb
MOST = 3  # edges in a sentence
HARDLY, STEPS = 0.05, 100  # of the way from guessing to all right, and steps of a training, that tell networks apart
LIKELY, DOUBT = 0.9, 0.05  # the share of predictions within the error, and how unlikely more must be
SCATTER, UNSTEADY = 0.2, 0.1  # of a latency: its quartiles' distance, and the share of medians that may be unsure


@dataclass(frozen=True)
class Remark:
    """A sentence or two on a search's health; what is not `fine` calls for attention."""

    fine: bool
    words: str


Check = Callable[[Run, Sequence[Result]], Remark | None]


def health(run: Run) -> list[Remark]:
    """Return what the checks remark on a run, what calls for attention first. Nothing without a front."""
    front = run.front()
    found = [remark for check in CHECKS if (remark := check(run, front))] if front else []
    return sorted(found, key=lambda remark: remark.fine)


def pressing(run: Run, most: int = 3) -> list[str]:
    """Return the remarks that most call for attention."""
    return [remark.words for remark in health(run) if not remark.fine][:most]


def failures(run: Run, front: Sequence[Result]) -> Remark | None:
    """Failures that are many, or that have a reason or a block in common."""
    if not (failed := failed_trials(run)):
        again = [one for one in run.further if one.repeat and one.outcome.state == "failed"]
        if not again:
            return Remark(True, "No training failed.")
        return Remark(False, f"{len(again)} of the trainings from other seeds failed, first that of trial "
                             f"{again[0].trial}: {again[0].outcome.reason.rstrip('.')}.")  # fmt: skip
    commonest, trained = reasons(failed)[0], len(run.spent)
    said = f"{len(failed)} of {trained} trainings failed"
    if len(failed) > 1 and len(commonest.trials) > len(failed) / 2:
        part = "all" if len(commonest.trials) == len(failed) else f"{len(commonest.trials)} of them"
        said += f", {part} for one reason, first trial {commonest.first}: {commonest.words}"
    blamed = [
        f" {one.block} is in {one.failed} of the {one.failures} networks that failed and in {one.complete} of the "
        f"{one.others} others: this is hardly chance."
        for one in culprits(run, failed)
    ]
    return Remark(not blamed and len(failed) <= FAILED * trained, f"{said.rstrip('.')}.{''.join(blamed)}")


def copied(run: Run, front: Sequence[Result]) -> Remark | None:
    """Images to judge by that are also trained on."""
    data = run.seal.get("data") or {}
    if remark := flattered(data):
        return Remark(False, remark)
    count = (data.get("copies") or {}).get("validation")
    if count is None:
        return None
    some = f"Only {count}" if count else "None"
    return Remark(True, f"{some} of {data['parts']['validation']:,} validation images {'is' if count == 1 else 'are'} "
                        "also among the training images.")  # fmt: skip


def growing(run: Run, front: Sequence[Result]) -> Remark | None:
    """A front that still grew when the search ended, where the space has more networks."""
    if ended := exhausted(run):
        return Remark(True, f"{units.capital(ended)}: a larger budget would bring nothing more.")
    grown = growth(run)
    count = grown.trainings[-1]
    if count < FEW:
        return None
    last, gain = grown.last
    won = gain / grown.shares[-1]
    said = f"The last {last} of {count} trainings won {100 * won:.1f} % of the final hypervolume"
    if won > GROWN:
        return Remark(False, f"{said}: the front still grew, so a larger budget should bring more.")
    return Remark(True, f"{said}: the front had all but stopped growing.")


def binding(run: Run, front: Sequence[Result]) -> Remark | None:
    """Limits at which the front stands, or that reject most of what is proposed."""
    if not (run.config.maximum or run.config.minimum):
        return None
    if said := [*standing(run, front), *rejecting(run)]:
        return Remark(False, " ".join(said))
    rejected, proposals = refused(run)
    some = f"{rejected:,} of {proposals:,} proposals {'was' if rejected == 1 else 'were'} rejected"
    return Remark(True, f"No limit binds: the front does not pile up at any, and {some}.")


def luck(run: Run, front: Sequence[Result]) -> Remark | None:
    """Whether neighbours on the front differ by more than the noise of their trainings."""
    if not (name := run.judged) or len(run.config.objectives) != 2 or len(front) < 2:
        return None
    pairs = [(one, other) for one, other in pairwise(front) if name in one.intervals and name in other.intervals]
    if not pairs:
        return None
    within = sum(
        abs(one.metrics[name] - other.metrics[name]) < float(np.hypot(one.intervals[name], other.intervals[name]))
        for one, other in pairs
    )
    noise = float(np.median([np.hypot(one.intervals[name], other.intervals[name]) for one, other in pairs]))
    said = (f"Chance explains a difference of {units.show_difference(name, noise)} in {units.words(name)} between "
            f"two networks (95 %), and {within} of {len(pairs)} pairs of neighbours on the front "
            f"{'differs' if within == 1 else 'differ'} by less")  # fmt: skip
    if 2 * within < len(pairs):
        return Remark(True, f"{said}.")
    again = _confirming(run)
    more = f", or have the front trained again more often ({again})" if again else ""
    return Remark(False, f"{said}: of two such take the cheaper{more}.")


def repeated(run: Run, front: Sequence[Result]) -> Remark | None:
    """Whether the front was trained again from other seeds."""
    if not run.judged:
        return None
    name, again = units.words(run.judged), sum(result.repeats > 0 for result in front)
    if again == len(front):
        return Remark(True, "Every network of the front was trained again from other seeds.")
    on = "nas calibrate" if is_calibration(run) else "nas resume"
    tried = {one.trial for one in run.further if one.repeat}
    waits = run.config.confirm and any(result.number not in tried for result in front)
    advice = f"the search does that at its end, or {on}" if waits else f"{_confirming(run) or on} does that"
    which = (
        "The front's one network was not"
        if len(front) == 1
        else f"Of the front's {len(front)} networks {again or 'none'} {'was' if again < 2 else 'were'}"
    )
    return Remark(False, f"{which} trained again from another seed, so part of the {name} may be luck, as the best of "
                         f"many tries flatters: {advice}.")  # fmt: skip


def _confirming(run: Run) -> str:
    """Write the command that trains each network of the front twice more than its search did, none of a calibration."""
    return "" if is_calibration(run) else f"nas resume {quoted(run.folder)} --confirm {run.config.confirm + 2}"


def counted(run: Run, front: Sequence[Result]) -> Remark | None:
    """A validation part so small that chance alone moves a share of its images by much of what the front spans."""
    name = next(iter(counting(run)), "")
    values = [result.metrics[name] for result in front if name]
    if len(values) < 2:
        return None
    best = max(values, key=lambda value: objective(name).sign * value)
    if (bounds := by_images(run, name, best)) is None:
        return None
    half, span = (bounds[1] - bounds[0]) / 2, max(values) - min(values)
    said = (f"{units.title(name)} is counted on {validation_images(run):,} validation images, so chance alone moves "
            f"the best by {units.show_difference(name, half)} either way (95 %); the front spans "
            f"{units.show_difference(name, span)}")  # fmt: skip
    if half > CLEAR * span:
        return Remark(False, f"{said}: with more images in the validation part small differences would mean more.")
    return Remark(True, f"{said}.")


def taught(run: Run, front: Sequence[Result]) -> Remark | None:
    """Whether networks learnt enough in their trainings to be told apart."""
    name, recipe = run.judged, run.config.recipe
    images = training_images(run)
    if not name or not images:
        return None
    best, guess = max(result.metrics[name] for result in front), guessing(run, name)
    steps = round(max(run.config.epochs) * max(images // recipe.batch_size, 1))
    trained = f"each network took at most {steps:,} steps of {min(recipe.batch_size, images)} images"
    if guess is not None and best < guess + HARDLY * (1 - guess):
        return Remark(False, f"The best {units.words(name)} is {units.show(name, best)}, where guessing gives "
                             f"{units.show(name, guess)}: networks have hardly begun to learn ({trained}), so their "
                             "order means nothing. Train longer (--epochs) or on more images (--subset).")  # fmt: skip
    if steps < STEPS:
        more = f"{-(-STEPS * recipe.epochs // steps):.0f}"  # which a ladder multiplies
        return Remark(False, f"{units.capital(trained)}: so few tell little of what it would come to in "
                             f"full. Train longer (--epochs {more} or more).")  # fmt: skip
    return None


def at_the_edge(run: Run, front: Sequence[Result]) -> Remark | None:
    """Choices that pile up at an edge of the space."""
    found = sorted(edges(run, front), key=lambda edge: not edge.largest)
    if not found:
        return None
    said = "; ".join(map(_edge, found[:MOST])) + (f"; and {len(found) - MOST} more such" if len(found) > MOST else "")
    return Remark(False, f"{units.capital(said)}. Better networks may lie beyond the space: widen it there.")


def _edge(edge: Edge) -> str:
    what, side = edge.what.replace("_", " "), "largest" if edge.largest else "smallest"
    where = f"in {edge.where}" if edge.where else f"to {edge.block}"
    things = f"stages of {edge.block}" if edge.block else "networks"
    count = f"all {edge.count}" if edge.hits == edge.count else f"{edge.hits} of the {edge.count}"
    return f"{what} {edge.value} is the {side} offered {where} and in {count} {things} of the front"


def sparse(run: Run, front: Sequence[Result]) -> Remark | None:
    """Whether there were trainings enough for the decisions of a network."""
    found = [len(result.trial.decisions) for result in run.results]
    decisions, count = round(float(np.mean(found))), len(found)
    if not decisions:
        return None
    trained = "1 network was trained" if count == 1 else f"{count} networks were trained, each"
    said = f"{trained} of about {decisions} decisions"
    if count < EACH * decisions:
        return Remark(False, f"{said}: fewer than {EACH} a decision tell little of what each does.")
    return Remark(True, f"{said}: {count / decisions:.0f} a decision.")


def unsteady(run: Run, front: Sequence[Result]) -> Remark | None:
    """Latencies whose measurements scatter."""
    found = [
        *run.front_readings("latency").values(),
        *(r.trial.outcome.readings.get("latency", {}) for r in run.results),
    ]
    scatter = [reading["iqr"] / reading["median"] for reading in found if reading.get("iqr") and reading.get("median")]
    if not scatter:
        return None
    wide, unsure = float(np.median(scatter)), sum(not reading.get("steady", True) for reading in found)
    said = f"Between their quartiles, single timings of a network span {100 * wide:.0f} % of its latency"
    said += f"; {unsure} of {len(scatter)} medians were not steady in the time given." if unsure else "."
    if wide > SCATTER or unsure > UNSTEADY * len(scatter):
        return Remark(False, f"{said} Close latencies mean little: measure on a quieter machine.")
    return Remark(True, said)


def foretold(run: Run, front: Sequence[Result]) -> Remark | None:
    """Predicted latencies that proved wrong when they were measured."""
    pairs, error = predicted_and_measured(run), run.predictor_error
    if pairs is None or not error:
        return None
    count = len(pairs.trials)
    off = sum(
        abs(guess / measured - 1) > error["high"] for guess, measured in zip(pairs.first, pairs.second, strict=True)
    )
    which = f"Of {count} predicted latencies {off or 'none'} proved wrong by more than {100 * error['high']:.0f} %"
    if so_many(off, count, 1 - LIKELY) < DOUBT:
        return Remark(False, f"{which} when measured, where one of ten is to be expected: go by the measured ones.")
    return Remark(True, f"{which} when measured; one of ten is to be expected.")


CHECKS: tuple[Check, ...] = (
    taught, copied, failures, growing, binding, luck, repeated, counted, at_the_edge, foretold, sparse, unsteady
)  # fmt: skip
"""In the order in which they matter."""
