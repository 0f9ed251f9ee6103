//! What a reading of a large group costs. The members are no consumers, only what a broker sees of them: a thousand of
//! the real ones would not fit here.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use jiff::{SignedDuration, Timestamp};
use kafka_protocol::messages::consumer_protocol_assignment::TopicPartition as Assigned;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    ApiKey, ConsumerProtocolAssignment, ConsumerProtocolSubscription, CreateTopicsRequest,
    CreateTopicsResponse, GroupId, JoinGroupRequest, JoinGroupResponse, RequestHeader, SyncGroupRequest,
    SyncGroupResponse, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes, encode_request_header_into_buffer};
use rebalancer_core::port::{GroupError, GroupSource};
use rebalancer_kafka::{KafkaGroupSource, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;

use crate::broker::{Broker, Listener};
use crate::wait;

const GROUP: &str = "large";
const MEMBERS: usize = 1_000;
const TOPICS: usize = 10;
const PARTITIONS: usize = 1_000;

fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}

fn topic(number: usize) -> TopicName {
    TopicName(text(format!("a-topic-with-a-usual-name-{number}")))
}

struct Raw(TcpStream);

impl Raw {
    async fn ask<A: Decodable>(&mut self, key: ApiKey, version: i16, request: &impl Encodable) -> A {
        let mut bytes = BytesMut::new();
        let header = RequestHeader::default()
            .with_request_api_key(key as i16)
            .with_request_api_version(version)
            .with_client_id(Some(text("pod")));
        encode_request_header_into_buffer(&mut bytes, &header).unwrap();
        request.encode(&mut bytes, version).unwrap();
        self.0.write_u32(u32::try_from(bytes.len()).unwrap()).await.unwrap();
        self.0.write_all(&bytes).await.unwrap();
        let mut answer = vec![0; usize::try_from(self.0.read_u32().await.unwrap()).unwrap()];
        self.0.read_exact(&mut answer).await.unwrap();
        let mut answer = Bytes::from(answer);
        // None of these versions is flexible, so that the number of the request is all of the header.
        answer.advance(4);
        A::decode(&mut answer, version).unwrap()
    }
}

fn embedded(message: &impl Encodable, version: i16) -> Bytes {
    let mut bytes = BytesMut::from(&version.to_be_bytes()[..]);
    message.encode(&mut bytes, version).unwrap();
    bytes.freeze()
}

/// Joins, and is given its tenth of a thousandth of everything by whoever leads.
async fn member(mut raw: Raw, all: std::sync::Arc<Barrier>) {
    const REBALANCE_IN_PROGRESS: i16 = 27;
    all.wait().await;
    let topics = (0..TOPICS).map(|number| topic(number).0).collect();
    let subscription = ConsumerProtocolSubscription::default().with_topics(topics);
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("cooperative-sticky"))
        .with_metadata(embedded(&subscription, 3));
    let mut id = text("");
    loop {
        let join = JoinGroupRequest::default()
            .with_group_id(GroupId(text(GROUP)))
            .with_session_timeout_ms(300_000)
            .with_rebalance_timeout_ms(60_000)
            .with_member_id(id.clone())
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol.clone()]);
        let joined: JoinGroupResponse = raw.ask(ApiKey::JoinGroup, 3, &join).await;
        assert_eq!(joined.error_code, 0);
        id = joined.member_id.clone();
        let assigned = |place: usize| {
            let of_topic = |number| {
                let held = vec![i32::try_from(place).unwrap()];
                Assigned::default().with_topic(topic(number)).with_partitions(held)
            };
            let partitions = (0..TOPICS).map(of_topic).collect();
            embedded(&ConsumerProtocolAssignment::default().with_assigned_partitions(partitions), 3)
        };
        let assignments = joined.members.iter().enumerate().map(|(place, member)| {
            let id = member.member_id.clone();
            SyncGroupRequestAssignment::default().with_member_id(id).with_assignment(assigned(place))
        });
        let sync = SyncGroupRequest::default()
            .with_group_id(GroupId(text(GROUP)))
            .with_generation_id(joined.generation_id)
            .with_member_id(id.clone())
            .with_assignments(assignments.collect());
        let synced: SyncGroupResponse = raw.ask(ApiKey::SyncGroup, 1, &sync).await;
        match synced.error_code {
            0 => return,
            REBALANCE_IN_PROGRESS => {}
            other => panic!("SyncGroup: {other}"),
        }
    }
}

async fn topics(broker: &Broker) {
    for number in 0..TOPICS {
        let address = broker.address(Listener::Plaintext);
        let mut raw = Raw(TcpStream::connect((address.host, address.port)).await.unwrap());
        let of_topic = CreatableTopic::default()
            .with_name(topic(number))
            .with_num_partitions(i32::try_from(PARTITIONS).unwrap())
            .with_replication_factor(1);
        let request = CreateTopicsRequest::default().with_topics(vec![of_topic]).with_timeout_ms(60_000);
        let made: CreateTopicsResponse = raw.ask(ApiKey::CreateTopics, 4, &request).await;
        assert_eq!(made.topics[0].error_code, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java and some minutes"]
async fn one_thousand_members_and_ten_thousand_partitions() {
    let broker = tokio::task::spawn_blocking(Broker::start).await.unwrap();
    // Before the partitions, which the broker then works at for a while.
    let settings = broker.settings(Listener::Plaintext, GROUP);
    wait::until("a coordinator", async || match KafkaGroupSource::new(settings.clone()).group().await {
        Err(GroupError::NoSuchGroup { .. }) => Some(()),
        _ => None,
    })
    .await;
    topics(&broker).await;
    let names = (0..TOPICS).map(|number| topic(number).0.to_string()).collect();
    wait::until("that the broker knows all partitions", async || {
        let source = KafkaGroupSource::new(settings.clone());
        let topics = source.topics(&names).await.ok()?;
        let offsets = source.offsets(&topics, &[]).await.ok()?;
        let led = offsets.values().filter(|offsets| offsets.is_ok()).count();
        (led == TOPICS * PARTITIONS).then_some(())
    })
    .await;
    let all = std::sync::Arc::new(Barrier::new(MEMBERS));
    let mut members = tokio::task::JoinSet::new();
    for _ in 0..MEMBERS {
        let address = broker.address(Listener::Plaintext);
        let raw = Raw(TcpStream::connect((address.host, address.port)).await.unwrap());
        members.spawn(member(raw, all.clone()));
    }
    members.join_all().await;
    println!("broker: {} MiB", broker.rss_mib());

    let settings = Settings::new([broker.address(Listener::Plaintext)], GROUP).unwrap();
    let source = KafkaGroupSource::new(settings.timeout(Duration::from_secs(60)));
    for round in ["cold", "warm"] {
        let mut before = (Instant::now(), source.usage());
        let mut lap = |what: &str| {
            let usage = source.usage();
            let (requests, received) =
                (usage.requests - before.1.requests, usage.bytes_received - before.1.bytes_received);
            let sent = usage.bytes_sent - before.1.bytes_sent;
            println!(
                "{round} {what}: {:?}, {requests} requests, {sent} B sent, {received} B received",
                before.0.elapsed()
            );
            before = (Instant::now(), usage);
        };
        source.topics(&BTreeSet::new()).await.unwrap();
        lap("connection, if there is none, and the brokers");
        let group = source.group().await.unwrap();
        lap("group");
        assert_eq!(group.members.len(), MEMBERS);
        assert!(group.members.iter().all(|member| member.assigned.as_ref().unwrap().len() == TOPICS));
        let topics = source.topics(&group.topics()).await.unwrap();
        lap("topics");
        let now = Timestamp::now();
        let earlier = [now - SignedDuration::from_mins(5), now - SignedDuration::from_mins(10)];
        let offsets = source.offsets(&topics, &earlier).await.unwrap();
        lap("offsets now, at two earlier times, committed");
        assert_eq!(offsets.len(), TOPICS * PARTITIONS);
        assert!(offsets.values().all(Result::is_ok));
        source.reassignments(&topics).await.unwrap().unwrap();
        lap("reassignments");
    }
    println!("all: {}", source.usage());
    if let Ok(example) = std::env::var("EXAMPLE") {
        let address = broker.address(Listener::Plaintext).to_string();
        let shown = tokio::process::Command::new(example).args([&address, GROUP]).output().await.unwrap();
        println!("{}{}", String::from_utf8_lossy(&shown.stdout), String::from_utf8_lossy(&shown.stderr));
    }
}
