"""Pytest plugin for the SDK's own tests: before each test, the parent process makes the data that it presupposes."""

import os
from multiprocessing.connection import Connection

import pytest


class Presupposed:
    """`asked` is the pipe to the process that can make the data."""

    def __init__(self, asked):
        self._asked = asked

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        self._asked.send(item.nodeid)
        self._asked.recv()


def pytest_configure(config):
    config.pluginmanager.register(Presupposed(Connection(int(os.environ["PRESUPPOSED_FROM"]))))
