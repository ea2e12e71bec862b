"""Addresses of a server that our client refuses, or tells from the right ones."""

import pytest

from stillmotion import Client, client
from tests.clients.our_client import ID, connect, server

__all__ = ["connect", "server"]


@pytest.mark.parametrize("base", ["127.0.0.1:8080", "http://", "ftp://x", "http://[x", ""])
def test_what_is_no_address_of_a_server_is_refused_at_once(base):
    with pytest.raises(client.ClientError, match=r"is no address of a server.*: write it like https://host:8080"):
        Client(base, "sm_key")


@pytest.mark.parametrize("base", ["http://127.0.0.1:9/?x=1", "http://127.0.0.1:9#x"])
def test_an_address_has_no_query_and_no_fragment(base):
    with pytest.raises(client.ClientError, match="leave out what stands behind"):
        Client(base, "sm_key")


@pytest.mark.methods("get")
def test_a_server_without_https_is_told_at_once(server, connect):
    with pytest.raises(client.ClientError, match="write http:// for https://"):
        connect(server.base.replace("http:", "https:")).get(ID)


@pytest.mark.methods("get")
def test_the_address_of_another_clients_surface_is_told_from_the_servers(server, connect):
    with pytest.raises(client.NotFound, match="without /v1 or /dream-machine/v1"):
        connect(f"{server.base}/dream-machine/v1").get(ID)
