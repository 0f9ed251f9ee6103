package harness;

import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.JoinGroupRequestData;
import org.apache.kafka.common.message.StreamsGroupHeartbeatRequestData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.JoinGroupRequest;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.StreamsGroupHeartbeatRequest;

/** Members of groups that are no consumer groups, as far as one request makes them. They stay for a minute. */
final class Stranger {
    private static final int STAYS_MILLIS = 60_000;
    private static final short JOIN_VERSION = 3;
    private static final short STREAMS_VERSION = 0;

    private Stranger() {
    }

    /** A worker of Kafka Connect. */
    static void connect(String bootstrap, String group) throws IOException {
        JoinGroupRequestData join = new JoinGroupRequestData().setGroupId(group).setMemberId("")
                .setProtocolType("connect").setSessionTimeoutMs(STAYS_MILLIS).setRebalanceTimeoutMs(STAYS_MILLIS);
        join.protocols().add(new JoinGroupRequestData.JoinGroupRequestProtocol().setName("sessioned")
                .setMetadata(new byte[] {0}));
        send(bootstrap, ApiKeys.JOIN_GROUP, new JoinGroupRequest.Builder(join).build(JOIN_VERSION));
    }

    /** An instance of Kafka Streams, of the protocol of its own. */
    static void streams(String bootstrap, String group, String topic) throws IOException {
        StreamsGroupHeartbeatRequestData heartbeat = new StreamsGroupHeartbeatRequestData().setGroupId(group)
                .setMemberId(Uuid.randomUuid().toString()).setMemberEpoch(0).setRebalanceTimeoutMs(STAYS_MILLIS)
                .setProcessId("process").setActiveTasks(List.of()).setStandbyTasks(List.of())
                .setWarmupTasks(List.of())
                .setTopology(new StreamsGroupHeartbeatRequestData.Topology().setEpoch(1).setSubtopologies(List.of(
                        new StreamsGroupHeartbeatRequestData.Subtopology().setSubtopologyId("0")
                                .setSourceTopics(List.of(topic)))));
        send(bootstrap, ApiKeys.STREAMS_GROUP_HEARTBEAT,
                new StreamsGroupHeartbeatRequest.Builder(heartbeat).build(STREAMS_VERSION));
    }

    private static void send(String bootstrap, ApiKeys api, AbstractRequest request) throws IOException {
        String[] address = bootstrap.split(":");
        Socket socket = new Socket(address[0], Integer.parseInt(address[1]));
        ByteBuffer bytes = request.serializeWithHeader(new RequestHeader(api, request.version(), "stranger", 1));
        byte[] body = new byte[bytes.remaining()];
        bytes.get(body);
        ByteBuffer size = ByteBuffer.allocate(Integer.BYTES).putInt(0, body.length);
        socket.getOutputStream().write(size.array());
        socket.getOutputStream().write(body);
        socket.getOutputStream().flush();
        // The answer is of no interest; it comes before the connection ends with this process.
    }
}
