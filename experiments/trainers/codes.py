"""How good codes of images are: a linear classifier of them, and the codes that need no training.

The classifier is trained to its optimum, so that its accuracy is that of the code and not of how it was trained.
"""
import numpy as np

CLASSIFIER_UPDATES, CLASSIFIER_L2 = 100, 1e-3  # then the objective falls by less than 1 % in 200 more


def code_accuracy(codes: np.ndarray, y: np.ndarray, others: np.ndarray, y_others: np.ndarray) -> float:
    """Accuracy on other codes of a linear softmax classifier, trained to its optimum (convex: with L2) on some codes.

    Codes are brought to mean 0 and variance 1 by those that are trained on; a unit that does not vary stays as it is.
    """
    from losses import L2, CrossEntropy
    from nn import MLP, RPROP, fit

    mean, deviation = codes.mean(axis=0, dtype=float), codes.std(axis=0, dtype=float)
    varies = deviation > 1e-6 * max(deviation.max(), 1e-30)
    scaled, scaled_others = ((some - mean) / np.where(varies, deviation, 1) for some in (codes, others))
    model = MLP((codes.shape[1], 10), dtype="float64", seed=0)
    fit(model, scaled, y, loss=CrossEntropy(), optimizer=RPROP(0.01), penalty=L2(CLASSIFIER_L2), epochs=CLASSIFIER_UPDATES,
        batch_size=None, check_every=0, progress=False)
    return float(np.mean(model.forward(scaled_others).argmax(axis=1) == y_others))


def principal(units: int, x: np.ndarray, others: np.ndarray, y: np.ndarray, y_others: np.ndarray) -> dict[str, float]:
    """What as many principal components as a code has units reconstruct and classify.

    No linear autoencoder with such a code does better on what it is trained on (Baldi and Hornik, Neural Networks 2, 1989).

    Parameters
    ----------
    units : int
    x, others : array (N, D), (M, D)
        Training and test images.
    y, y_others : array (L,), (M,)
        Labels of the first training images and of all test images.

    Returns
    -------
    dict of str to float
        `pca_loss`, the share of the variance of test images, around the mean training image, that is left; `pca_accuracy`
        and `raw_accuracy`, of classifiers of components and of pixels.
    """
    mean, labelled = x.mean(axis=0, dtype=float), len(y)
    directions = np.linalg.svd(x - mean, full_matrices=False)[2][:units].T  # (D, units)
    codes, seen = (others - mean) @ directions, (x[:labelled] - mean) @ directions
    left = np.square(others - mean - codes @ directions.T).sum() / np.square(others - mean).sum()
    return {"pca_loss": float(left), "pca_accuracy": code_accuracy(seen, y, codes, y_others),
            "raw_accuracy": code_accuracy(x[:labelled], y, others, y_others)}
