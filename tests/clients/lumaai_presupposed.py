"""A plugin in the SDK's own tests: before each, whoever started them makes what the test presupposes."""

import os
from multiprocessing.connection import Connection

import pytest


class Presupposed:
    """`asked` leads to the process that can make it."""

    def __init__(self, asked):
        self._asked = asked

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        self._asked.send(item.nodeid)
        self._asked.recv()


def pytest_configure(config):
    config.pluginmanager.register(Presupposed(Connection(int(os.environ["PRESUPPOSED_FROM"]))))
