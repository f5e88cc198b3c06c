"""An OpenID provider on this machine, which signs in whoever a code names."""

import http.server
import json
import threading
import urllib.parse

from cryptography.hazmat.primitives.asymmetric import ed25519
from fido2.utils import websafe_decode, websafe_encode

CLIENT = {"client_id": "trackwell", "client_secret": "a-secret-of-32-letters-or-a-few-more"}


class Provider:
    """Its issuer is `issuer`; everything else follows from a code that `code` gives."""

    def __init__(self, now):
        self.key, self.now = ed25519.Ed25519PrivateKey.generate(), now
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(provider.published() if "openid-configuration" in self.path else provider.keys())

            def do_POST(self):
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.answer(provider.tokens(dict(urllib.parse.parse_qsl(text))["code"]))

            def answer(self, content):
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def published(self):
        return {"issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys"}

    def keys(self):
        public = websafe_encode(self.key.public_key().public_bytes_raw())
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "one", "x": public}]}

    @staticmethod
    def code(url, subject, email):
        """What the provider sends a browser back with that was sent to it by this URL: state and code."""
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        claims = {"sub": subject, "nonce": asked["nonce"], "email": email, "email_verified": True}
        return {"state": asked["state"], "code": websafe_encode(json.dumps(claims).encode())}

    def tokens(self, code):
        now = int(self.now().timestamp())
        claims = {"iss": self.issuer, "aud": CLIENT["client_id"], "iat": now, "exp": now + 300,
                  **json.loads(websafe_decode(code))}
        parts = ({"alg": "EdDSA", "kid": "one"}, claims)
        signed = ".".join(websafe_encode(json.dumps(part).encode()) for part in parts)
        token = f"{signed}.{websafe_encode(self.key.sign(signed.encode()))}"
        return {"access_token": "unused", "token_type": "Bearer", "id_token": token}
