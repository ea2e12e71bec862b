"""The model against the machine that measured its costs, and its answer: the first wall."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from bench.fleet.claims import CLAIMERS, Round
from bench.fleet.model import Costs, Fleet, claims_a_second, first_wall, forecast
from bench.fleet.statements import Measured
from bench.table import Figure, Sense, spread

CORES = 8
RENDER_SECONDS = 4.0


def costs(measured: Measured, of: Sequence[Round]) -> Costs:
    """The costs of that run, and those of claims as the median of rounds."""
    return Costs(
        submit=measured.submit,
        batch=measured.submit,
        poll=measured.constant.poll,
        claim=median(each.processor for each in of),
        held=median(each.held for each in of),
        gap=median(each.gap for each in of),
        hand_over=median(each.hand_over for each in of),
        renewal=measured.renewal,
        look=measured.constant.look,
        completion=measured.constant.completion,
        flush=median(each.flush for each in of),
    )


def compared(measured: Measured, cores: int) -> Sequence[Figure]:
    """The simulated claims of eight against the measured, and the wall that the costs lead to, round by round."""
    taken = costs(measured, measured.claims)
    # Other programs make a lone claimer slower, never faster.
    least = {"held": min(each.held for each in measured.claims), "gap": min(each.gap for each in measured.claims)}
    simulated = [
        claims_a_second(CLAIMERS, cores, replace(costs(measured, [each]), **least), each.host, each.others)
        for each in measured.claims
    ]
    real = [1 / each.together for each in measured.claims]
    off = [max(one / other, other / one) for one, other in zip(simulated, real, strict=True)]
    fleet = Fleet(100_000, RENDER_SECONDS, CORES)
    walls = [first_wall(fleet, costs(measured, [each]))[0] for each in measured.claims]
    at = forecast(Fleet(100_000, 85.0, CORES), taken)
    each = measured.constant
    costs_of = f"database µs: poll {each.poll * 1e6:.0f}, idle look {each.look * 1e6:.0f}, completion "
    costs_of += f"{each.completion * 1e6:.0f}, claim {taken.claim * 1e6:.0f}, renewal {measured.renewal * 1e6:.0f}; "
    costs_of += f"the clock held {(taken.held + taken.gap) * 1e6:.0f}, handed over {taken.hand_over * 1e6:.0f}; "
    costs_of += f"a flush {taken.flush * 1e6:.0f}"
    said = f"{median(simulated):,.0f} claims/s simulated, {median(real):,.0f} measured; {costs_of}"
    wall = (
        f"the {first_wall(fleet, taken)[1]} first, on {CORES} cores of this kind; 100,000 an hour of 85 s renders: "
        f"processor {at.processor:.1%}, flushes {at.flush:.0%}, clock row {at.clock:.0%}"
    )
    return [
        Figure("claims/s of 8, simulated and measured: larger ÷ smaller", spread(off), Sense.AT_MOST, 1.3, "×", said),
        Figure("first wall, generations an hour", spread(walls), Sense.AT_LEAST, 100_000, "", wall),
    ]
