"""What every estimator of the package is: saved plainly, and linked to its page."""

from sklearn.base import BaseEstimator

from sk_autoenc.saving import SavedPlain

API = "https://github.com/sk-autoenc/sk-autoenc/blob/main/doc/api.md"


class Estimator(SavedPlain, BaseEstimator):
    """An estimator of scikit-learn; others of its mixins come before this."""

    # What scikit-learn's diagram of an estimator links to.
    _doc_link_module = "sk_autoenc"
    _doc_link_template = API + "#{anchor}"

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        return {"anchor": type(self).__name__.lower()}
