"""Images of digits as signals on the graph of their pixels."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from stgkeras.datasets.series.splits import Split
from stgkeras.graphs._checks import check_number

LARGEST_SEED = 2**32 - 1  # of the split, which scikit-learn draws


@dataclass(frozen=True, eq=False)
class Digits:
    """Images of S digits, as signals on the graph of their 64 pixels.

    Args:
        images: (S, 64, 1) float32 from 0 (white) to 1 (black).
        labels: (S,) int64. Digit of each image, 0 to 9.
        adjacency: (64, 64) float64. 1 between pixels that share a side or a corner. Symmetric, with
            zero diagonal.
        split: `Split` of int arrays in random order: the indices of the training, validation and
            test images.
    """

    images: np.ndarray
    labels: np.ndarray
    adjacency: np.ndarray
    split: Split

    def accuracy_of_pixels(self) -> dict[str, float]:
        """Computes the accuracy of a logistic regression on the pixels, a baseline without graph.

        Returns:
            dict with "validation" and "test": images in the right class, in %.
        """
        from sklearn.linear_model import LogisticRegression

        pixels = self.images[..., 0]
        train, *others = self.split
        model = LogisticRegression(max_iter=1000).fit(pixels[train], self.labels[train])
        return {
            name: 100 * float(model.score(pixels[part], self.labels[part]))
            for name, part in zip(("validation", "test"), others, strict=True)
        }


def load_digits(seed: int = 0) -> Digits:
    """Loads 1797 images of handwritten digits with 8 × 8 pixels, from scikit-learn.

    The pixels are shuffled, with the same order in all images. So a model that does not know the
    graph does not know which pixels are neighbours. The split has 60 % training, 20 % validation
    and 20 % test images, stratified by digit. There is no download.

    Args:
        seed: int from 0 to 4294967295. Determines the order of the pixels and the split. Default 0.

    Returns:
        `Digits`.

    Raises:
        TypeError: if `seed` is not an int.
        ValueError: if `seed` is out of range.

    Example:
        >>> import stgkeras
        >>> digits = stgkeras.datasets.load_digits()
        >>> digits.images.shape, [len(part) for part in digits.split]
        ((1797, 64, 1), [1077, 360, 360])
        >>> int(digits.adjacency.sum(axis=1).max())
        8

    Source:
        The UCI data set "Optical Recognition of Handwritten Digits", Alpaydin and Kaynak, 1998,
        in `sklearn.datasets.load_digits`.
    """
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    condition = f"from 0 to {LARGEST_SEED}"
    check_number("seed", seed, condition, lambda value: 0 <= value <= LARGEST_SEED, Integral)
    x, y = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(64)
    place = np.indices((8, 8)).reshape(2, 64)[:, order]
    adjacency = np.abs(place[:, :, None] - place[:, None]).max(axis=0) == 1
    images = (x[:, order, None] / 16).astype("float32")
    rest, test = train_test_split(np.arange(len(y)), test_size=0.2, stratify=y, random_state=seed)
    train, val = train_test_split(rest, test_size=0.25, stratify=y[rest], random_state=seed)
    return Digits(images, y.astype(np.int64), adjacency.astype(float), Split(train, val, test))
