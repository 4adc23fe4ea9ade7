"""What differs between scikit-learn's versions, or is private there: only here."""

from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils._set_output import _wrap_data_with_container as in_container
from sklearn.utils.validation import _check_feature_names_in as feature_names_in

try:  # scikit-learn >= 1.9
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class _SilentContext:
        """A callback context with nobody listening."""

        def subcontext(self, **kwargs):
            return self

        def call_on_fit_task_begin(self, **kwargs):
            return self

        def call_on_fit_task_end(self, **kwargs):
            return False

    class CallbackSupportMixin:
        """Take the place of scikit-learn's mixin before 1.9: no callbacks."""

        def _init_callback_context(self, **kwargs):
            return _SilentContext()

    def with_callbacks(method):
        """Take the place of scikit-learn's decorator before 1.9."""
        return method


__all__ = [
    "CallbackSupportMixin",
    "Interval",
    "StrOptions",
    "feature_names_in",
    "in_container",
    "validate_parameter_constraints",
    "with_callbacks",
]
