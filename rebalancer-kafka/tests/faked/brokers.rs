//! A cluster of brokers that agree on what they were told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, BrokerId, DescribeGroupsResponse, FindCoordinatorResponse, GroupId,
    ListGroupsResponse, ListOffsetsRequest, ListOffsetsResponse, ListPartitionReassignmentsResponse,
    MetadataResponse, OffsetFetchRequest, OffsetFetchResponse, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes, decode_request_header_from_buffer};
use rebalancer_kafka::{Address, KafkaGroupSource, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

pub(crate) const GROUP: &str = "g";
pub(crate) const TOPIC: &str = "orders";

/// What all brokers know, and how they misbehave.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) addresses: Vec<Address>,
    /// The leader of each partition of [`TOPIC`], as metadata has it.
    pub(crate) leaders: Vec<i32>,
    /// Who really leads, where that is another one.
    pub(crate) really: BTreeMap<i32, i32>,
    pub(crate) coordinator: i32,
    pub(crate) controller: i32,
    /// Error codes that the next requests of a kind are answered with, instead of an answer.
    pub(crate) errors: BTreeMap<i16, Vec<i16>>,
    /// Brokers that take requests of this kind and never answer.
    pub(crate) silent: Vec<i16>,
    /// Ends all connections that there are.
    pub(crate) hang_up: Arc<Notify>,
    /// The highest version of a request that brokers know, where it is not the highest there is; -1 for none.
    pub(crate) highest: BTreeMap<i16, i16>,
    /// A partition that is left out of answers about offsets.
    pub(crate) left_out: Option<i32>,
    /// A partition that is left out of answers about what is committed.
    pub(crate) left_out_committed: Option<i32>,
    /// Requests so far: broker and kind.
    pub(crate) asked: Vec<(i32, i16)>,
}

pub(crate) type Shared = Arc<Mutex<World>>;

/// So many brokers, numbered from 1, with one partition each.
pub(crate) async fn brokers(count: i32) -> Shared {
    let world = Shared::default();
    for id in 1..=count {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut known = world.lock().unwrap();
        known.addresses.push(Address { host: "127.0.0.1".to_owned(), port });
        known.leaders.push(id);
        tokio::spawn(serve(id, listener, world.clone()));
    }
    {
        let mut known = world.lock().unwrap();
        (known.coordinator, known.controller) = (1, 1);
    }
    world
}

/// A source that starts at the first broker.
pub(crate) fn source(world: &Shared) -> KafkaGroupSource {
    KafkaGroupSource::new(settings(world))
}

pub(crate) fn settings(world: &Shared) -> Settings {
    let settings = Settings::new([world.lock().unwrap().addresses[0].clone()], GROUP).unwrap();
    settings.timeout(Duration::from_secs(5)).request_timeout(Duration::from_secs(1))
}

async fn serve(id: i32, listener: TcpListener, world: Shared) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(talk(id, stream, world.clone()));
    }
}

async fn talk(id: i32, mut stream: TcpStream, world: Shared) {
    let hang_up = world.lock().unwrap().hang_up.clone();
    loop {
        let length = tokio::select! {
            length = stream.read_u32() => length,
            () = hang_up.notified() => return,
        };
        let Ok(length) = length else { return };
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut bytes).await.unwrap();
        let mut bytes = Bytes::from(bytes);
        let header = decode_request_header_from_buffer(&mut bytes).unwrap();
        let key = header.request_api_key;
        let body = {
            let mut world = world.lock().unwrap();
            world.asked.push((id, key));
            let body = answer(&mut world, id, key, header.request_api_version, bytes);
            body.filter(|_| !world.silent.contains(&key))
        };
        let Some(body) = body else { continue };
        let mut framed = header.correlation_id.to_be_bytes().to_vec();
        let api = ApiKey::try_from(key).unwrap();
        if api.response_header_version(header.request_api_version) == 1 {
            framed.push(0);
        }
        framed.extend(body);
        stream.write_u32(u32::try_from(framed.len()).unwrap()).await.unwrap();
        stream.write_all(&framed).await.unwrap();
    }
}

fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}

fn written(message: &impl Encodable, version: i16) -> Option<Vec<u8>> {
    let mut bytes = BytesMut::new();
    message.encode(&mut bytes, version).unwrap();
    Some(bytes.to_vec())
}

fn answer(world: &mut World, id: i32, key: i16, version: i16, mut body: Bytes) -> Option<Vec<u8>> {
    let errors = world.errors.entry(key).or_default();
    let error = if errors.is_empty() { 0 } else { errors.remove(0) };
    match ApiKey::try_from(key).unwrap() {
        ApiKey::ApiVersions => {
            let known = [(2, 6), (3, 9), (9, 7), (10, 3), (15, 6), (16, 5), (18, 0), (46, 0)];
            let keys = known.into_iter().filter_map(|(key, highest)| {
                let highest = world.highest.get(&key).copied().unwrap_or(highest);
                let version = ApiVersion::default().with_api_key(key).with_max_version(highest);
                (highest >= 0).then_some(version)
            });
            written(&ApiVersionsResponse::default().with_api_keys(keys.collect()), version)
        }
        ApiKey::Metadata => written(&metadata(world, error), version),
        ApiKey::FindCoordinator => {
            let at = &world.addresses[usize::try_from(world.coordinator - 1).unwrap()];
            let found = FindCoordinatorResponse::default().with_error_code(error).with_host(text(&at.host));
            written(&found.with_port(i32::from(at.port)), version)
        }
        ApiKey::DescribeGroups => {
            let error = if id == world.coordinator { error } else { 16 };
            let group = DescribedGroup::default()
                .with_error_code(error)
                .with_group_id(GroupId(text(GROUP)))
                .with_group_state(text("Empty"))
                .with_protocol_type(text("consumer"));
            written(&DescribeGroupsResponse::default().with_groups(vec![group]), version)
        }
        ApiKey::ListGroups => written(&ListGroupsResponse::default(), version),
        ApiKey::ListOffsets => {
            let request = ListOffsetsRequest::decode(&mut body, version).unwrap();
            written(&offsets(world, id, &request, error), version)
        }
        ApiKey::OffsetFetch => {
            let request = OffsetFetchRequest::decode(&mut body, version).unwrap();
            let topics = request.topics.unwrap();
            let partitions = topics[0]
                .partition_indexes
                .iter()
                .filter(|number| world.left_out_committed != Some(**number))
                .map(|number| {
                    OffsetFetchResponsePartition::default()
                        .with_partition_index(*number)
                        .with_committed_offset(5)
                });
            let topic =
                OffsetFetchResponseTopic::default().with_name(name()).with_partitions(partitions.collect());
            written(&OffsetFetchResponse::default().with_error_code(error).with_topics(vec![topic]), version)
        }
        ApiKey::ListPartitionReassignments => {
            let error = if id == world.controller { error } else { 41 };
            written(&ListPartitionReassignmentsResponse::default().with_error_code(error), version)
        }
        other => panic!("{other:?} is not asked for here"),
    }
}

fn name() -> TopicName {
    TopicName(text(TOPIC))
}

fn metadata(world: &World, error: i16) -> MetadataResponse {
    let brokers = (1..).map(BrokerId).zip(&world.addresses).map(|(id, at)| {
        let broker = MetadataResponseBroker::default().with_node_id(id).with_host(text(&at.host));
        broker.with_port(i32::from(at.port))
    });
    let partitions = (0..).zip(&world.leaders).map(|(number, leader)| {
        MetadataResponsePartition::default().with_partition_index(number).with_leader_id(BrokerId(*leader))
    });
    let topic = MetadataResponseTopic::default()
        .with_name(Some(name()))
        .with_error_code(error)
        .with_partitions(partitions.collect());
    MetadataResponse::default()
        .with_brokers(brokers.collect())
        .with_controller_id(BrokerId(world.controller))
        .with_topics(vec![topic])
}

/// 100 for the end of a partition and 0 for its start; who does not lead it says so.
fn offsets(world: &mut World, id: i32, request: &ListOffsetsRequest, error: i16) -> ListOffsetsResponse {
    let partitions = &request.topics[0].partitions;
    let kept = partitions.iter().filter(|one| world.left_out != Some(one.partition_index));
    let answers = kept.map(|one| {
        let number = one.partition_index;
        let told = world.leaders[usize::try_from(number).unwrap()];
        let leads = world.really.get(&number).copied().unwrap_or(told) == id;
        ListOffsetsPartitionResponse::default()
            .with_partition_index(number)
            .with_error_code(if leads { error } else { 6 })
            .with_offset(if one.timestamp == -1 { 100 } else { 0 })
    });
    let topic = ListOffsetsTopicResponse::default().with_name(name()).with_partitions(answers.collect());
    let answer = ListOffsetsResponse::default().with_topics(vec![topic]);
    // The next time that somebody asks for metadata, they tell the truth.
    for (number, leader) in std::mem::take(&mut world.really) {
        world.leaders[usize::try_from(number).unwrap()] = leader;
    }
    answer
}
