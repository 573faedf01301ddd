"""A real small model: ridge regression on standardised texture features.

Confidence has one meaning here: the estimated probability that a prediction lies within
`TOLERANCE` of the reference. It is counted on the errors made on specimens left out of the fit,
each scaled by how far its picture, and the new one, lie from those learnt from (leverage).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneGroupOut

from mlmcsc.demo.metrics import measure
from mlmcsc.domain.quality.accuracy import Accuracy
from mlmcsc.errors import ValidationError

Floats = NDArray[np.float64]

ALPHAS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
TOLERANCE = 0.10
FORMAT = "mlmcsc-ridge-1"
FEWEST_GROUPS = 3


@dataclass(frozen=True)
class RidgeModel:
    """A fitted model; plain numbers, so predicting and loading need numpy alone.

    Attributes:
        alpha: strength of the penalty, chosen by leave-one-specimen-out MAE.
        intercept: value at the mean picture.
        coefficients: (D,), per standard deviation of each feature.
        mean: (D,), of the training features.
        scale: (D,), standard deviation of each, 1 where a feature never varied.
        spread: (D, D), inverse of the penalised scatter matrix, for the leverage.
        left_out_errors: (N,), left-out errors divided by sqrt(1 + leverage), absolute, sorted.
        left_out: metrics of the left-out predictions against the labels trained on; a little
            flattering, as `alpha` was chosen by them.
    """

    alpha: float
    intercept: float
    coefficients: Floats
    mean: Floats
    scale: Floats
    spread: Floats
    left_out_errors: Floats
    left_out: Accuracy

    def predict(self, features: ArrayLike) -> tuple[Floats, Floats]:
        """Predict shear fractions.

        Args:
            features: (N, D), finite.

        Returns:
            Values clipped to [0, 1], and confidences in (0, 1): the estimated probability that a
            value lies within `TOLERANCE` of the reference.

        Raises:
            ValidationError: wrong number of features, or not finite.
        """
        x = (_matrix(features, self.mean.size) - self.mean) / self.scale
        value = np.clip(x @ self.coefficients + self.intercept, 0, 1)
        widened = np.sqrt(1 + _leverage(x, self.spread))
        within = np.searchsorted(self.left_out_errors, TOLERANCE / widened, side="right")
        # Laplace's rule: a finite sample never proves a probability of 0 or 1.
        return value, (within + 1) / (self.left_out_errors.size + 2)

    def save(self, path: Path) -> None:
        """Write the model as JSON.

        Raises:
            OSError: the file cannot be written.
        """
        document = {"format": FORMAT, **asdict(self)}
        path.write_text(json.dumps(document, default=np.ndarray.tolist), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> RidgeModel:
        """Read a model that `save` wrote.

        Raises:
            ValidationError: not such a file.
            OSError: the file cannot be read.
        """
        try:
            document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            written = document.pop("format")
            arrays = ("coefficients", "mean", "scale", "spread", "left_out_errors")
            document |= {name: np.asarray(document[name], np.float64) for name in arrays}
            document["left_out"] = Accuracy(**document["left_out"])
            model = cls(**document)
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise ValidationError(
                f"{path} does not hold a saved model ({error}); train and save it anew"
            ) from error
        if written != FORMAT:
            raise ValidationError(
                f"{path} is of format {written}, not {FORMAT}; train and save it anew"
            )
        return model


def fit(features: ArrayLike, labels: ArrayLike, groups: ArrayLike) -> RidgeModel:
    """Fit the ridge model.

    Args:
        features: (N, D), finite.
        labels: (N,), shear fractions in [0, 1].
        groups: (N,), the specimen of each row; all pictures of one are left out together.

    Raises:
        ValidationError: shapes that do not match, values not finite, or fewer than 3 specimens.
    """
    x = _matrix(features)
    y, specimen = np.asarray(labels, np.float64), np.asarray(groups)
    if y.shape != (len(x),) or specimen.shape != (len(x),) or not np.isfinite(y).all():
        raise ValidationError(
            f"{len(x)} rows of features, labels of shape {y.shape}, groups of shape "
            f"{specimen.shape}; give one finite label and one specimen per row"
        )
    found = np.unique(specimen).size
    if found < FEWEST_GROUPS:
        raise ValidationError(f"{found} specimens to learn from; give at least {FEWEST_GROUPS}")
    left_out = {alpha: _leave_specimens_out(x, y, specimen, alpha) for alpha in ALPHAS}
    alpha = min(ALPHAS, key=lambda a: measure(y, left_out[a][0]).mae)
    value, leverage = left_out[alpha]
    mean, scale = _standard(x)
    standard = (x - mean) / scale
    ridge = Ridge(alpha=alpha).fit(standard, y)
    return RidgeModel(
        alpha=alpha,
        intercept=float(ridge.intercept_),
        coefficients=np.asarray(ridge.coef_, np.float64),
        mean=mean,
        scale=scale,
        spread=_spread(standard, alpha),
        left_out_errors=np.sort(np.abs(value - y) / np.sqrt(1 + leverage)),
        left_out=measure(y, value),
    )


def _leave_specimens_out(
    x: Floats, y: Floats, specimen: NDArray[Any], alpha: float
) -> tuple[Floats, Floats]:
    """Predict each specimen by a model that never saw it; return values and leverages."""
    value, leverage = np.empty_like(y), np.empty_like(y)
    for seen, unseen in LeaveOneGroupOut().split(x, y, specimen):
        mean, scale = _standard(x[seen])
        known, new = (x[seen] - mean) / scale, (x[unseen] - mean) / scale
        ridge = Ridge(alpha=alpha).fit(known, y[seen])
        value[unseen] = np.clip(ridge.predict(new), 0, 1)
        leverage[unseen] = _leverage(new, _spread(known, alpha))
    return value, leverage


def _standard(x: Floats) -> tuple[Floats, Floats]:
    deviation = x.std(axis=0)
    return x.mean(axis=0), np.where(deviation > 0, deviation, 1.0)


def _spread(x: Floats, alpha: float) -> Floats:
    """Return (X'X + alpha I)^-1, with which x' S x is a picture's leverage."""
    return np.asarray(np.linalg.inv(x.T @ x + alpha * np.eye(x.shape[1])))


def _leverage(x: Floats, spread: Floats) -> Floats:
    return np.asarray(np.einsum("nd,de,ne->n", x, spread, x))


def _matrix(features: ArrayLike, width: int | None = None) -> Floats:
    x = np.asarray(features, np.float64)
    if x.ndim != 2 or (width is not None and x.shape[1] != width):  # noqa: PLR2004 (a table)
        wanted = "D" if width is None else width
        raise ValidationError(f"features have shape {x.shape}; give (N, {wanted})")
    if not np.isfinite(x).all():
        raise ValidationError("features hold NaN or infinity; drop those rows")
    return x
