"""Colour primaries, and the 3 × 3 matrices between RGB spaces."""

from collections.abc import Mapping, Sequence

from stillmotion.media.metadata.picture_metadata import Primaries

Matrix = tuple[tuple[float, ...], ...]
"""Three rows of three."""

_D65 = (0.3127, 0.3290)
_C = (0.310, 0.316)
SRGB = Primaries(_D65, (0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
BT_2020 = Primaries(_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
_SMPTE_170M = Primaries(_D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070))

_KNOWN: Mapping[int, Primaries] = {
    1: SRGB,
    4: Primaries(_C, (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: Primaries(_D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: _SMPTE_170M,
    7: _SMPTE_170M,
    8: Primaries(_C, (0.681, 0.319), (0.243, 0.692), (0.145, 0.049)),
    9: BT_2020,
    11: Primaries((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: Primaries(_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: Primaries(_D65, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
"""Primaries by code point (ITU-T H.273, table 2)."""

_BRADFORD: Matrix = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
D50 = (0.9642, 1.0, 0.8249)
"""D50, the white point of ICC's connection space: X, Y, Z."""


def primaries_of(code_point: int) -> Primaries | None:
    """Primaries of a code point; None if it is reserved or unspecified."""
    return _KNOWN.get(code_point)


def conversion(source: Primaries, target: Primaries) -> Matrix:
    """Matrix from linear RGB in one space to linear RGB in another."""
    return multiplied(inverted(to_d50(target)), to_d50(source))


def to_d50(space: Primaries) -> Matrix:
    """Matrix from linear RGB to XYZ, adapted to D50 with Bradford's transform.

    Raises `ValueError` for degenerate primaries.
    """
    columns = [_xyz(space.red), _xyz(space.green), _xyz(space.blue)]
    raw: Matrix = tuple(zip(*columns, strict=True))
    white = _xyz(space.white)
    # Columns are scaled so that R = G = B = 1 gives white.
    scales = _applied(inverted(raw), white)
    scaled: Matrix = tuple(tuple(value * scale for value, scale in zip(row, scales, strict=True)) for row in raw)
    seen, wanted = _applied(_BRADFORD, white), _applied(_BRADFORD, D50)
    # Von Kries scaling of cone responses: the source's white becomes D50.
    cones: Matrix = tuple(
        tuple(wanted[row] / seen[row] if row == column else 0.0 for column in range(3)) for row in range(3)
    )
    return multiplied(multiplied(multiplied(inverted(_BRADFORD), cones), _BRADFORD), scaled)


def multiplied(first: Matrix, second: Matrix) -> Matrix:
    """The matrix product."""
    return tuple(
        tuple(sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*second, strict=True))
        for row in first
    )


def inverted(matrix: Matrix) -> Matrix:
    """The inverse matrix. Raises `ValueError` if it is singular."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    if abs(determinant) < 1e-9:
        raise ValueError("these primaries make no colour space")
    rows = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    return tuple(tuple(value / determinant for value in row) for row in rows)


def _xyz(point: tuple[float, float]) -> tuple[float, float, float]:
    x, y = point
    return x / y, 1.0, (1 - x - y) / y


def _applied(matrix: Matrix, vector: Sequence[float]) -> tuple[float, ...]:
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
