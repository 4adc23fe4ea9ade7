"""How badly outputs fit labels: what early stopping watches, less is better."""

import numpy as np

from sk_autoenc.parts.losses import mixed_columns


def of_classes(outputs, targets, class_weights=None):
    """Return 1 - accuracy, weighted by class; of equals less for the lower loss.

    Parameters
    ----------
    outputs : ndarray of shape (n_samples, n_classes)
        Pre-activations of a softmax; overwritten.
    targets : ndarray of shape (n_samples, n_classes)
        Rows with one 1.
    class_weights : ndarray of shape (n_classes,), default=None
        None: all 1.

    Returns
    -------
    misfit : float
        The part of the loss is less than half a step between two accuracies.
    """
    wrong = outputs.argmax(axis=1) != targets.argmax(axis=1)
    probabilities = mixed_columns(0, [outputs.shape[1]]).output(outputs)
    of_right = (probabilities * targets).sum(axis=1, dtype=np.float64)
    losses = -np.log(np.maximum(of_right, 1e-300))
    weights = np.ones(len(targets))
    if class_weights is not None:
        weights = targets @ class_weights
    total = weights.sum() or 1.0
    loss = weights @ losses / total
    least = weights.min() / total  # the step between two accuracies, at the least
    return float(weights @ wrong / total + loss / (1 + loss) * least / 2)


def of_numbers(outputs, targets):
    """Return 1 - R2, the mean over outputs.

    Parameters
    ----------
    outputs, targets : ndarray of shape (n_samples, n_outputs)
    """
    errors = ((outputs - targets) ** 2).sum(axis=0, dtype=np.float64)
    spread = ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)
    return float(np.mean(errors / np.where(spread == 0, 1.0, spread)))
