"""The Publisher service."""

from __future__ import annotations

from typing import Any

from google.pubsub_v1 import types

from local.pubsub.broker import Broker
from local.pubsub.rpc import EMPTY, service, unary


class Publisher:
    """Answers the calls of a publisher client from a broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def service(self) -> Any:
        """The gRPC service."""
        return service(
            "Publisher",
            CreateTopic=unary(self._create_topic, types.Topic),
            GetTopic=unary(self._get_topic, types.GetTopicRequest),
            ListTopics=unary(self._list_topics, types.ListTopicsRequest),
            DeleteTopic=unary(self._delete_topic, types.DeleteTopicRequest),
            ListTopicSubscriptions=unary(self._list_topic_subscriptions, types.ListTopicSubscriptionsRequest),
            Publish=unary(self._publish, types.PublishRequest),
        )

    async def _create_topic(self, request: Any, _context: Any) -> Any:
        return self._broker.create_topic(request).proto

    async def _get_topic(self, request: Any, _context: Any) -> Any:
        return self._broker.topic(request.topic).proto

    async def _list_topics(self, request: Any, _context: Any) -> Any:
        prefix = f"{request.project}/"
        topics = [topic.proto for name, topic in self._broker.topics.items() if name.startswith(prefix)]
        return types.ListTopicsResponse.pb()(topics=topics)

    async def _delete_topic(self, request: Any, _context: Any) -> Any:
        self._broker.delete_topic(request.topic)
        return EMPTY

    async def _list_topic_subscriptions(self, request: Any, _context: Any) -> Any:
        names = list(self._broker.topic(request.topic).subscriptions)
        return types.ListTopicSubscriptionsResponse.pb()(subscriptions=names)

    async def _publish(self, request: Any, _context: Any) -> Any:
        ids = self._broker.publish(request.topic, request.messages)
        return types.PublishResponse.pb()(message_ids=ids)
