"""What the component exports: the function in `src/adapter.py` that `@remit.adapter` was put on.

Never: anything of the plugin's own.
"""

import adapter as _author
import remit

if not isinstance(remit._plugin, remit._Adapter):
    raise TypeError(f"{_author.__file__}: put @remit.adapter on the function that does the work")


class Adapter:
    def describe(self):
        return remit._plugin.describe()

    def validate_config(self):
        return remit._plugin.validate_config()

    def validate_inputs(self, inputs):
        return remit._plugin.validate_inputs(inputs)

    def execute(self, context):
        return remit._plugin.execute(context)
