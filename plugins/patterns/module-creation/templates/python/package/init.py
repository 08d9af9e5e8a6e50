"""«title»"""

from .core import «imports»

__all__ = [«exports»]
__version__ = "«version»"
