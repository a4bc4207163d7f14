"""pywa, unmodified, against the Graph face of the sandbox: only its requests go to another host, by the HTTP client that it
takes for this. Its own validator judges the signatures, and its own handlers read the webhooks.

The environment variable SANDBOX holds the line of JSON with which `segue sandbox --json` begins.
"""

import base64
import json
import logging
import os
import threading
import time
import unittest
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx
from pywa import WhatsApp, errors, handlers, utils
from pywa.types import Button, CallbackButton
from pywa.types.message_status import MessageStatusType
from pywa.types.templates import (
    BodyText,
    Buttons,
    QuickReplyButton,
    Template,
    TemplateCategory,
    TemplateLanguage,
    TemplateStatus,
)

SANDBOX = json.loads(os.environ["SANDBOX"])
ADA = "4915112345678"
PNG = bytes.fromhex("89504e470d0a1a0a") + b"not really a picture"


class ToSandbox(httpx.HTTPTransport):
    """Sends what is meant for graph.facebook.com to the sandbox."""

    def handle_request(self, request):
        sandbox = httpx.URL(SANDBOX["graph_base_url"])
        request.url = request.url.copy_with(scheme=sandbox.scheme, host=sandbox.host, port=sandbox.port)
        return super().handle_request(request)


def connect(token=None, **options):
    """A client with the sandbox in the place of graph.facebook.com."""
    return WhatsApp(
        phone_id=SANDBOX["phone_number_id"],
        token=token or SANDBOX["access_token"],
        waba_id=SANDBOX["waba_id"],
        app_secret=SANDBOX["app_secret"],
        verify_token=SANDBOX["verify_token"],
        session=httpx.Client(trust_env=False, mounts={"https://graph.facebook.com": ToSandbox()}),
        **options,
    )


def sandbox(method, path, body=None):
    """A call of the sandbox's own JSON API."""
    request = urllib.request.Request(
        f"{SANDBOX['graph_base_url']}/sandbox/v1{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as response:
        text = response.read()
    return json.loads(text) if text else None


def eventually(what, look):
    """Waits until `look` gives something truthy."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited 20 s for: {what}")


class Pywa(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = connect()
        cls.seen, cls.answers, cls.complaints = [], [], []
        kinds = (
            handlers.MessageHandler,
            handlers.CallbackButtonHandler,
            handlers.MessageStatusHandler,
            handlers.TemplateStatusUpdateHandler,
        )
        cls.client.add_handlers(*(kind(lambda _, update: cls.seen.append(update)) for kind in kinds))

        class Complaints(logging.Handler):
            """What the library could not read."""

            def emit(self, record):
                cls.complaints.append(self.format(record))

        logging.getLogger("pywa").addHandler(Complaints(logging.ERROR))

        class Webhook(BaseHTTPRequestHandler):
            """The endpoint as the library's documentation has it for a server of one's own."""

            def do_GET(self):
                query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                text, status = cls.client.webhook_challenge_handler(query.get(utils.HUB_VT), query.get(utils.HUB_CH))
                self.answer(text, status)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                refused = cls.client.webhook_update_validator(body, self.headers.get(utils.HUB_SIG))
                text, status = refused or cls.client.webhook_update_handler(body)
                cls.answers.append(status)
                self.answer(text, status)

            def answer(self, text, status):
                self.send_response(status)
                self.send_header("content-length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        cls.server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.url = f"http://127.0.0.1:{cls.server.server_port}/"
        sandbox("POST", "/handsets", {"phone": f"+{ADA}", "name": "Ada Möller"})
        # The handshake is part of this call: the sandbox asks the URL for the challenge first.
        assert cls.client.override_waba_callback_url(cls.url, SANDBOX["verify_token"])

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()

    def setUp(self):
        self.complaints.clear()

    def tearDown(self):
        self.assertEqual(self.complaints, [], "the library could read all that it was told")

    def chat(self):
        return sandbox("GET", f"/handsets/{ADA}/chats")["chats"][0]

    def shown(self, wamid):
        return next(message for message in self.chat()["messages"] if message["id"] == wamid)

    def chat_path(self):
        return f"/handsets/{ADA}/chats/{SANDBOX['display_phone_number'][1:]}"

    def ada_writes(self, message):
        """Ada writes; gives what the library made of the webhook."""
        wamid = sandbox("POST", f"{self.chat_path()}/messages", message)["wamid"]
        return eventually("the message is told", lambda: next((seen for seen in self.seen if seen.id == wamid), None))

    def told(self, wamid, status):
        """Waits for a status of a message."""
        found = lambda seen: seen.id == wamid and getattr(seen, "status", None) == status
        return eventually(f"{wamid} is {status}", lambda: next((seen for seen in self.seen if found(seen)), None))

    def test_the_handshake_needs_the_right_token(self):
        with self.assertRaises(errors.WhatsAppError) as refused:
            self.client.override_waba_callback_url(self.url, "wrong")
        self.assertEqual(refused.exception.code, 2200)

    def test_reads_what_a_customer_writes_and_refuses_another_signature(self):
        message = self.ada_writes({"type": "text", "text": 'Grüße 😮 a/b "c"'})
        self.assertEqual(message.text, 'Grüße 😮 a/b "c"')
        self.assertEqual((message.from_user.wa_id, message.from_user.name), (ADA, "Ada Möller"))
        self.assertEqual(message.metadata.phone_number_id, SANDBOX["phone_number_id"])
        known = len(self.seen)
        self.answers.clear()
        sandbox("PUT", "/faults", {"webhook_wrong_signature": True})
        self.addCleanup(sandbox, "PUT", "/faults", {})
        sandbox("POST", f"{self.chat_path()}/messages", {"type": "text", "text": "forged"})
        eventually("it is refused", lambda: 403 in self.answers)
        self.assertEqual(len(self.seen), known)

    def test_marks_as_read_and_shows_that_it_types(self):
        message = self.ada_writes({"type": "text", "text": "Anyone there?"})
        self.assertTrue(message.mark_as_read())
        self.assertEqual((self.shown(message.id)["status"], self.chat()["typing"]), ("read", False))
        self.assertTrue(message.indicate_typing())
        self.assertTrue(self.chat()["typing"])

    def test_replies_and_follows_the_message_until_it_is_read(self):
        message = self.ada_writes({"type": "text", "text": "Is it open on Sunday?"})
        # Its replies go to the user id of the customer, in `recipient`.
        sent = message.reply_text("Yes – from 10 to 4.", quote=True, tracker="order-17")
        shown = self.shown(sent.id)
        self.assertEqual((shown["text"], shown["context_id"]), ("Yes – from 10 to 4.", message.id))
        delivered = self.told(sent.id, MessageStatusType.DELIVERED)
        self.assertEqual((delivered.tracker, delivered.pricing.model), ("order-17", "PMP"))
        self.assertEqual((delivered.from_user.wa_id, delivered.from_user.bsuid), (ADA, message.from_user.bsuid))
        sandbox("POST", f"{self.chat_path()}/open")
        self.assertIsNone(self.told(sent.id, MessageStatusType.READ).error)
        to_number = self.client.send_message(f"+{ADA}", "To the number")
        self.assertEqual((to_number.to, self.shown(to_number.id)["text"]), (ADA, "To the number"))

    def test_sends_buttons_and_understands_the_one_that_is_tapped(self):
        self.ada_writes({"type": "text", "text": "Hi"})
        buttons = [Button("Yes, please", "yes"), Button("No", "no")]
        sent = self.client.send_message(ADA, "Shall we call you?", footer="Acme", buttons=buttons)
        titles = [(button["id"], button["title"]) for button in self.shown(sent.id)["buttons"]]
        self.assertEqual(titles, [("yes", "Yes, please"), ("no", "No")])
        tapped = self.ada_writes({"type": "button_reply", "reply_to": sent.id, "id": "yes"})
        self.assertIsInstance(tapped, CallbackButton)
        self.assertEqual((tapped.data, tapped.title), ("yes", "Yes, please"))
        self.assertEqual(tapped.reply_to_message.id, sent.id)

    def test_uploads_an_image_sends_it_by_its_id_and_deletes_it(self):
        self.ada_writes({"type": "text", "text": "Hi"})
        media = self.client.upload_media(PNG, mime_type="image/png", filename="shoe.png")
        sent = self.client.send_image(ADA, media.id, caption="Your shoe", mime_type="image/png")
        shown = self.shown(sent.id)["media"]
        self.assertEqual((shown["mime"], shown["caption"]), ("image/png", "Your shoe"))
        self.assertEqual(self.client.get_media_bytes(self.client.get_media_url(media.id).url), PNG)
        self.assertTrue(self.client.delete_media(media.id))
        with self.assertRaises(errors.InvalidParameter):
            self.client.send_image(ADA, media.id)

    def test_downloads_what_a_customer_sends(self):
        encoded = base64.b64encode(PNG).decode()
        message = self.ada_writes({"type": "image", "media_base64": encoded, "mime": "image/png", "caption": "It broke"})
        self.assertEqual((message.image.caption, message.image.mime_type), ("It broke", "image/png"))
        self.assertEqual(message.image.get_bytes(), PNG)
        url = self.client.get_media_url(message.image.id).url
        with self.assertRaises(httpx.HTTPStatusError) as refused:
            connect(token="stolen").get_media_bytes(url)
        self.assertEqual(refused.exception.response.status_code, 401, "the address alone is not enough")

    def test_creates_a_template_and_sends_it_to_somebody_who_has_not_written(self):
        known = [template.name for template in self.client.get_templates()]
        self.assertIn("order_update", known)
        body = BodyText("Hi {{1}}, your {{2}} is ready to be collected.", "Ada", "shoe")
        buttons = Buttons(buttons=[QuickReplyButton(text="I am coming")])
        template = Template(
            name="ready",
            language=TemplateLanguage.ENGLISH_US,
            category=TemplateCategory.UTILITY,
            components=[body, buttons],
        )
        created = self.client.create_template(template)
        is_it = lambda seen: getattr(seen, "template_name", None) == "ready"
        reviewed = eventually("it is reviewed", lambda: next((seen for seen in self.seen if is_it(seen)), None))
        self.assertEqual((reviewed.new_status, str(reviewed.template_id)), (TemplateStatus.APPROVED, created.id))

        bea = "4915112345679"
        sandbox("POST", "/handsets", {"phone": f"+{bea}", "name": "Bea"})
        params = [BodyText.params("Bea", "tent"), QuickReplyButton.params(callback_data="coming", index=0)]
        sent = self.client.send_template(bea, "ready", TemplateLanguage.ENGLISH_US, params)
        self.assertEqual(self.told(sent.id, MessageStatusType.DELIVERED).pricing.category, "utility")
        shown = sandbox("GET", f"/handsets/{bea}/chats")["chats"][0]["messages"][0]
        self.assertEqual(shown["text"], "Hi Bea, your tent is ready to be collected.")
        self.assertEqual([(button["id"], button["title"]) for button in shown["buttons"]], [("coming", "I am coming")])
        with self.assertRaises(errors.TemplateParamCountMismatch):
            self.client.send_template(bea, "ready", TemplateLanguage.ENGLISH_US, [BodyText.params("Bea")])
        with self.assertRaises(errors.TemplateNotExists):
            self.client.send_template(bea, "nothing_like_it", TemplateLanguage.ENGLISH_US, params)
        free = self.client.send_message(bea, "Outside of the window")
        self.assertIsInstance(self.told(free.id, MessageStatusType.FAILED).error, errors.ReEngagementMessage)

    def test_is_told_what_is_wrong_with_a_recipient_a_token_or_a_number(self):
        with self.assertRaises(errors.InvalidParameter) as wrong:
            self.client.send_message("12", "x")
        self.assertEqual((wrong.exception.code, wrong.exception.type), (131009, "OAuthException"))
        self.assertTrue(wrong.exception.details and wrong.exception.fbtrace_id)
        with self.assertRaises(errors.RecipientCannotBeSender):
            self.client.send_message(SANDBOX["display_phone_number"], "x")
        with self.assertRaises(errors.ExpiredAccessToken):
            connect(token="stolen").send_message(ADA, "x")
        with self.assertRaises(errors.WhatsAppError) as elsewhere:
            self.client.send_message(ADA, "x", sender="42")
        self.assertEqual((elsewhere.exception.code, elsewhere.exception.subcode), (100, 33))

        absent = "4915112345699"
        sandbox("POST", "/handsets", {"phone": f"+{absent}", "name": "Not on WhatsApp"})
        sandbox("PATCH", f"/handsets/{absent}", {"on_whatsapp": False})
        lost = self.client.send_message(absent, "x")
        failed = self.told(lost.id, MessageStatusType.FAILED)
        self.assertIsInstance(failed.error, errors.MessageUndeliverable)
        self.assertEqual((failed.from_user.wa_id, failed.from_user.bsuid), (absent, None))

    def test_reads_the_account_around_the_messages(self):
        number = self.client.get_business_phone_number()
        self.assertEqual((number.id, number.display_phone_number), (SANDBOX["phone_number_id"], SANDBOX["display_phone_number"]))
        self.assertTrue(self.client.get_business_profile().about)
        self.assertEqual([known.id for known in self.client.get_business_phone_numbers()], [number.id])


if __name__ == "__main__":
    unittest.main(verbosity=2)
