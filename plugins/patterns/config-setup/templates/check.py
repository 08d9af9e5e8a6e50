"""Tries a new configuration and its loader. Made for one run, and removed after it."""
import copy
import importlib.util
import json
import os
import sys

CONFIG = «config»
report = {"missing": None, "refused": None, "config": None, "taken": [], "bad": 0}


def done():
    print(json.dumps(report, default=str))
    sys.exit(0)


«if python»
spec = importlib.util.spec_from_file_location("config_loader", os.path.abspath(«loader»))
loader = importlib.util.module_from_spec(spec)
spec.loader.exec_module(loader)
try:
    report["config"] = loader.read(CONFIG)
    loader.get_config(CONFIG).to_dict()
    sys.argv = ["config_loader.py", CONFIG]
    if loader.main() != 0:
        report["refused"] = "the loader did not print OK"
except ImportError as error:
    report["missing"] = str(error)
    done()
except Exception as error:
    report["refused"] = str(error)
    done()

GOOD = «good»
loader.check(GOOD)
for key, *value in «bad»:
    data = copy.deepcopy(GOOD)
    *levels, name = key.split(".")
    node = data
    for level in levels:
        node = node.setdefault(level, {})
    if value:
        node[name] = value[0]
    else:
        del node[name]
    try:
        loader.check(data)
    except loader.ConfigError:
        report["bad"] += 1
    else:
        report["taken"].append(key)
«end»
«if yaml»
try:
    import yaml
except ImportError:
    report["missing"] = "reading YAML needs PyYAML: python3 -m pip install pyyaml"
    done()
read = yaml.safe_load
«end»
«if json»
read = json.loads
«end»
«if toml»
try:
    import tomllib
except ImportError:
    report["missing"] = "reading TOML needs Python 3.11"
    done()
read = tomllib.loads
«end»
try:
    with open(CONFIG, encoding="utf-8") as file:
        report["config"] = read(file.read())
except Exception as error:
    report["refused"] = str(error)
done()
