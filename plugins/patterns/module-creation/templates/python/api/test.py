"""Tests of «name»."""

import json
import unittest
from io import BytesIO
from wsgiref.util import setup_testing_defaults

from «name» import Store, application, handle
«if cli»
from «name».cli import parse
«end»


class HandleTest(unittest.TestCase):
    def setUp(self):
        self.store = Store()

    def request(self, method, path, value=None):
        body = b"" if value is None else json.dumps(value).encode()
        response = handle(self.store, method, path, body)
        return int(response.status.split()[0]), response.body

    def test_health(self):
        self.assertEqual(self.request("GET", "/health"), (200, {"status": "ok"}))

    def test_an_item_lives_from_post_to_delete(self):
        self.assertEqual(self.request("GET", "/items"), (200, []))
        status, item = self.request("POST", "/items", {"name": " pen "})
        self.assertEqual((status, item), (201, {"id": 1, "name": "pen"}))
        self.assertEqual(self.request("GET", "/items/1"), (200, item))
        self.assertEqual(self.request("GET", "/items"), (200, [item]))
        self.assertEqual(self.request("DELETE", "/items/1"), (200, item))
        self.assertEqual(self.request("GET", "/items/1")[0], 404)

    def test_an_identifier_is_never_used_twice(self):
        self.request("POST", "/items", {"name": "a"})
        self.request("DELETE", "/items/1")
        self.assertEqual(self.request("POST", "/items", {"name": "b"})[1]["id"], 2)

    def test_bad_requests_change_nothing(self):
        for value in ({}, {"name": 5}, {"name": "  "}, ["name"], "name"):
            with self.subTest(value=value):
                self.assertEqual(self.request("POST", "/items", value)[0], 422)
        self.assertEqual(handle(self.store, "POST", "/items", b"{").status, "400 Bad Request")
        self.assertEqual(self.store.items, {})

    def test_unknown_paths_and_methods(self):
        self.assertEqual(self.request("GET", "/other")[0], 404)
        self.assertEqual(self.request("GET", "/items/x")[0], 404)
        self.assertEqual(self.request("PUT", "/items")[0], 405)


class ApplicationTest(unittest.TestCase):
    def call(self, method, path, body=b"", length=None):
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "CONTENT_LENGTH": str(len(body) if length is None else length),
            "wsgi.input": BytesIO(body),
        }
        setup_testing_defaults(environ)
        seen = []
        chunks = application(Store())(environ, lambda status, headers: seen.append((status, headers)))
        status, headers = seen[0]
        return status, dict(headers), json.loads(b"".join(chunks))

    def test_speaks_json_over_wsgi(self):
        status, headers, body = self.call("POST", "/items", b'{"name": "pen"}')
        self.assertEqual(status, "201 Created")
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(body, {"id": 1, "name": "pen"})

    def test_a_body_that_is_too_long_is_refused_unread(self):
        status, _, _ = self.call("POST", "/items", length=10**9)
        self.assertEqual(status, "413 Content Too Large")
«if cli»


class CommandTest(unittest.TestCase):
    def test_listens_only_on_this_machine_by_default(self):
        self.assertEqual(parse([]).host, "127.0.0.1")
        self.assertEqual(parse(["--port", "0"]).port, 0)
«end»


if __name__ == "__main__":
    unittest.main()
