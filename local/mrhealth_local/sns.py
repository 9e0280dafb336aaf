"""SNS: email subscriptions wait for confirmation, topics keep their tags, messages can be read.

[SNS guide; AWS.md 0.9, 4 I] An email subscription has no ARN until its link was followed: lists show
"PendingConfirmation" and Unsubscribe cannot name it. The test hook ``confirm`` follows the link.
"""

from __future__ import annotations

import threading
import time
from typing import Any

PENDING = "PendingConfirmation"
_CONFIRMED_BY_MAIL = ("email", "email-json")

_inbox: list[dict[str, Any]] = []
_lock = threading.Lock()


def inbox() -> list[dict[str, Any]]:
    """Every message published, newest last, with who was subscribed at that moment."""
    with _lock:
        return list(_inbox)


def confirm(account: str, topic_arn: str | None, endpoint: str | None) -> list[str]:
    """Confirms the pending subscriptions that match; returns their ARNs."""
    from moto.sns.models import sns_backends

    confirmed = []
    for region in list(sns_backends[account].values()):
        for subscription in list(region.subscriptions.values()):
            wanted = topic_arn in (None, subscription.topic.arn) and endpoint in (None, subscription.endpoint)
            if wanted and is_pending(subscription):
                subscription.mail_confirmed = True
                confirmed.append(subscription.arn)
    return confirmed


def is_pending(subscription: Any) -> bool:
    return subscription.protocol in _CONFIRMED_BY_MAIL and not getattr(subscription, "mail_confirmed", False)


def apply() -> None:
    """Patches moto.sns; called once, before its first request."""
    from moto.sns import models, responses

    _subscriptions(models, responses)
    _topics(models)
    _messages(models)


def _subscriptions(models: Any, responses: Any) -> None:
    from moto.core.responses import ActionResult
    from moto.sns.exceptions import SNSInvalidParameter

    subscribe = responses.SNSResponse.subscribe
    backend_subscribe = models.SNSBackend.subscribe
    unsubscribe = models.SNSBackend.unsubscribe

    def checked_subscribe(self: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        if protocol in _CONFIRMED_BY_MAIL and "@" not in (endpoint or ""):
            raise SNSInvalidParameter("Invalid parameter: Email address")
        return backend_subscribe(self, topic_arn, endpoint, protocol)

    def answered_subscribe(self: Any) -> Any:
        subscribe(self)
        subscription = self.backend._find_subscription(
            self._get_param("TopicArn"), self._get_param("Endpoint"), self._get_param("Protocol")
        )
        asked = str(self._get_param("ReturnSubscriptionArn")).lower() == "true"
        arn = "pending confirmation" if is_pending(subscription) and not asked else subscription.arn
        return ActionResult({"SubscriptionArn": arn})

    def listed(self: Any, found: list[Any], token: Any) -> Any:
        rows = [
            {
                "SubscriptionArn": PENDING if is_pending(each) else each.arn,
                "Owner": each.owner,
                "Protocol": each.protocol,
                "Endpoint": each.endpoint,
                "TopicArn": each.topic.arn,
            }
            for each in found
        ]
        return ActionResult({"Subscriptions": rows, "NextToken": token})

    def list_subscriptions(self: Any) -> Any:
        return listed(self, *self.backend.list_subscriptions(next_token=self._get_param("NextToken")))

    def list_subscriptions_by_topic(self: Any) -> Any:
        topic = self._get_param("TopicArn")
        return listed(self, *self.backend.list_subscriptions_by_topic(topic, next_token=self._get_param("NextToken")))

    def checked_unsubscribe(self: Any, subscription_arn: str) -> None:
        if not subscription_arn.startswith("arn:"):
            raise SNSInvalidParameter(
                f"Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not {len(subscription_arn.split(':'))}"
            )
        subscription = self.subscriptions.get(subscription_arn)
        if subscription is not None and is_pending(subscription):
            raise SNSInvalidParameter(
                "Invalid parameter: This subscription is pending confirmation and cannot be deleted."
            )
        unsubscribe(self, subscription_arn)

    models.SNSBackend.subscribe = checked_subscribe
    models.SNSBackend.unsubscribe = checked_unsubscribe
    responses.SNSResponse.subscribe = answered_subscribe
    responses.SNSResponse.list_subscriptions = list_subscriptions
    responses.SNSResponse.list_subscriptions_by_topic = list_subscriptions_by_topic
    _attributes(models, responses)


def _attributes(models: Any, responses: Any) -> None:
    """The counts of GetTopicAttributes and PendingConfirmation of GetSubscriptionAttributes."""
    attributes = models.SNSBackend.get_subscription_attributes

    def get_subscription_attributes(self: Any, arn: str) -> dict[str, Any]:
        found = dict(attributes(self, arn))
        found["PendingConfirmation"] = "true" if is_pending(self.subscriptions[arn]) else "false"
        return found

    def count(pending: bool) -> property:
        def counted(self: Any) -> int:
            mine = [each for each in self.sns_backend.subscriptions.values() if each.topic is self]
            return sum(1 for each in mine if is_pending(each) == pending)

        return property(counted, lambda self, value: None)

    models.SNSBackend.get_subscription_attributes = get_subscription_attributes
    models.Topic.subscriptions_pending = count(True)
    models.Topic.subscriptions_confimed = count(False)


def _topics(models: Any) -> None:
    """CreateTopic of an existing name succeeds only with the tags it has [SNS API CreateTopic]."""
    from moto.sns.exceptions import SNSInvalidParameter

    create = models.SNSBackend.create_topic

    def create_topic(self: Any, name: str, attributes: Any = None, tags: Any = None) -> Any:
        arn = models.make_arn_for_topic(self.account_id, name, self.region_name)
        existing = self.topics.get(arn)
        if existing is not None and tags and existing._tags != tags:
            raise SNSInvalidParameter("Invalid parameter: Tags Reason: Topic already exists with different tags")
        return create(self, name, attributes, tags)

    models.SNSBackend.create_topic = create_topic


def _messages(models: Any) -> None:
    publish = models.Topic.publish
    deliver = models.Subscription.publish

    def recorded(
        self: Any, message: str, subject: str | None = None, message_attributes: Any = None, **rest: Any
    ) -> str:
        message_id = publish(self, message, subject=subject, message_attributes=message_attributes, **rest)
        receivers = [each for each in list(self.sns_backend.subscriptions.values()) if each.topic is self]
        with _lock:
            _inbox.append(
                {
                    "message_id": message_id,
                    "topic_arn": self.arn,
                    "subject": subject,
                    "message": message,
                    "attributes": message_attributes or {},
                    "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                    "subscriptions": [
                        {
                            "protocol": each.protocol,
                            "endpoint": each.endpoint,
                            "status": "pending" if is_pending(each) else "confirmed",
                        }
                        for each in receivers
                    ],
                }
            )
        return message_id

    def deliver_locally(self: Any, *args: Any, **kwargs: Any) -> None:
        # moto would post to the web: nothing leaves this machine.
        if self.protocol not in ("http", "https"):
            deliver(self, *args, **kwargs)

    models.Topic.publish = recorded
    models.Subscription.publish = deliver_locally
