"""Packaging of «name»."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="«distribution»",
    version="«version»",
    description="«title»",
    long_description=(Path(__file__).parent / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="«spdx»",
    packages=find_packages(include=["«name»", "«name».*"]),
    python_requires=">=3.9",
«if cli»
    entry_points={"console_scripts": ["«distribution»=«name».cli:main"]},
«end»
)
