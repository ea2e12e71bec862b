"""The model against the machine that measured its costs, and its answer: the first wall."""

from collections.abc import Sequence

from bench.fleet.model import Costs, Fleet, claims_a_second, first_wall, forecast
from bench.fleet.statements import CLAIMERS, Measured
from bench.table import Figure, Sense, spread

CORES = 8
RENDER_SECONDS = 4.0


def costs(measured: Measured) -> Costs:
    """The costs of that run. A claimer's time between statements is what neither database nor disk account for."""
    between = max(0.0, 1 / measured.alone_a_second - measured.claim - measured.flush)
    return Costs(
        submit=measured.submit,
        batch=measured.submit,
        poll=measured.constant.poll,
        claim=measured.claim,
        claim_between=between,
        renewal=measured.renewal,
        look=measured.constant.look,
        completion=measured.constant.completion,
        flush=measured.flush,
    )


def compared(measured: Measured) -> Sequence[Figure]:
    """The simulated claims of eight against the measured, and the wall that the costs lead to."""
    taken = costs(measured)
    simulated = claims_a_second(CLAIMERS, 2, taken)
    ratio = spread([max(simulated / measured.claims_a_second, measured.claims_a_second / simulated)])
    rate, part = first_wall(Fleet(100_000, RENDER_SECONDS, CORES), taken)
    at = forecast(Fleet(100_000, 85.0, CORES), taken)
    said = f"{simulated:,.0f} claims/s simulated, {measured.claims_a_second:,.0f} measured"
    each = measured.constant
    costs_of = f"database µs: poll {each.poll * 1e6:.0f}, idle look {each.look * 1e6:.0f}, completion "
    costs_of += f"{each.completion * 1e6:.0f}, claim {measured.claim * 1e6:.0f}, renewal {measured.renewal * 1e6:.0f}"
    wall = (
        f"the {part} first, on {CORES} cores of this kind; 100,000 an hour of 85 s renders: processor "
        f"{at.processor:.1%}, flushes {at.flush:.0%}, clock row {at.clock:.0%}; {costs_of}"
    )
    return [
        Figure("claims/s of 8, simulated and measured: larger ÷ smaller", ratio, Sense.AT_MOST, 1.3, "×", said),
        Figure("first wall, generations an hour", spread([rate]), Sense.AT_LEAST, 100_000, "", wall),
    ]
