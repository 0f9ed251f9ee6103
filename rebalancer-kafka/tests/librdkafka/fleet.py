"""Consumers of librdkafka in one process, `fleet.py BOOTSTRAP`, driven by lines as harness.Fleet is:

add NAME GROUP TOPICS PROTOCOL [KEY=VALUE...]
leave NAME
close NAME
held
"""

import sys
import threading

from confluent_kafka import Consumer


class Member:
    """One consumer with a thread of its own. It holds partitions and fetches nothing."""

    def __init__(self, bootstrap, group, topics, protocol, more):
        settings = {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "latest",
        }
        if protocol == "consumer":
            settings["group.protocol"] = "consumer"
        else:
            settings["partition.assignment.strategy"] = protocol
            settings["session.timeout.ms"] = 10000
            settings["heartbeat.interval.ms"] = 500
        settings.update(more)
        self.state = ":"
        self.open = True
        self.consumer = Consumer(settings)
        self.consumer.subscribe(topics.split(","))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.open:
            self.consumer.poll(0.05)
            held = sorted(f"{one.topic}-{one.partition}" for one in self.consumer.assignment())
            self.state = f"{self.consumer.memberid() or ''}:{','.join(held)}"
        self.consumer.close()

    def has_left(self):
        return not self.open and not self.thread.is_alive()


class Fleet:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.members = {}

    def done(self, words):
        match words:
            case ["add", name, group, topics, protocol, *more]:
                more = dict(setting.split("=", 1) for setting in more)
                self.members[name] = Member(self.bootstrap, group, topics, protocol, more)
            case ["leave", name]:
                self.members[name].open = False
            case ["close", name]:
                self.members[name].open = False
                self.members.pop(name).thread.join()
            case ["held"]:
                self.members = {name: one for name, one in self.members.items() if not one.has_left()}
                return " ".join(f"{name}={one.state}" for name, one in sorted(self.members.items()))
            case _:
                raise ValueError(f"no such order: {words[0]}")
        return ""


def main():
    fleet = Fleet(sys.argv[1])
    for line in sys.stdin:
        try:
            answer = f"ok {fleet.done(line.split())}".strip()
        except Exception as failure:  # whatever it is, who gave the order reads it
            answer = f"error {failure!r}".replace("\n", " ")
        print(answer, flush=True)


main()
