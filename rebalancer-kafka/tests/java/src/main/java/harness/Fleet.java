package harness;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/**
 * Consumers and what they need of a broker, {@code Fleet BOOTSTRAP}, driven by lines on standard input. Each line has
 * one answer, which begins with {@code ok} or {@code error}:
 *
 * <pre>
 * add NAME GROUP TOPICS PROTOCOL [KEY=VALUE...]
 *                      a consumer; TOPICS by commas, or ^PATTERN; PROTOCOL an assignor, or consumer; not-range is
 *                      called range and has a rule of its own, stream has the name of Kafka Streams; KEYs are settings
 *                      of the consumer, and host, the local address that it connects from
 * leave NAME           begins to leave the group; when it has left, it is no longer among those that held tells
 * close NAME           the same, and waits until it has left
 * share NAME GROUP TOPIC
 *                      a member of a share group
 * connect GROUP         a worker of Kafka Connect
 * streams GROUP TOPIC   an instance of Kafka Streams, of the protocol of its own
 * held                 NAME=MEMBER:TOPIC-0,TOPIC-1 of each, by name
 * commit NAME TOPIC PARTITION OFFSET
 * topic NAME PARTITIONS [KEY=VALUE...]
 * produce TOPIC PARTITION COUNT
 * past TOPIC SECONDS COUNT,COUNT...
 *                      records with the time stamps of the last seconds, as many by partition
 * course TOPIC END SECONDS COUNT,COUNT...;COUNT,COUNT...
 *                      records of a course in steps of so many seconds until that second, by partition
 * truncate TOPIC PARTITION OFFSET
 *                      deletes what lies before it, as retention does
 * flow TOPIC RATE,RATE...
 *                      from now on so many records a second by partition
 * reassign TOPIC PARTITION BROKERS
 *                      begins to move it to these, by commas
 * acl PRINCIPAL OPERATION TYPE NAME
 * revoke PRINCIPAL     removes all of its ACLs
 * </pre>
 */
public final class Fleet {
    private final String bootstrap;
    private final Setup setup;
    private final Map<String, Member> members = new TreeMap<>();

    private Fleet(String bootstrap) {
        this.bootstrap = bootstrap;
        this.setup = new Setup(bootstrap);
    }

    public static void main(String[] arguments) throws IOException {
        Fleet fleet = new Fleet(arguments[0]);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(fleet.answer(line.split(" ")));
            System.out.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    private String answer(String[] words) {
        try {
            return ("ok " + done(words)).trim();
        } catch (Exception failure) {
            return ("error " + failure).replace('\n', ' ');
        }
    }

    private String done(String[] words) throws Exception {
        switch (words[0]) {
            case "add":
                members.put(words[1], Member.start(bootstrap, words[2], words[3], words[4], settings(words)));
                return "";
            case "share":
                Sharer.start(bootstrap, words[2], words[3]);
                return "";
            case "connect":
                Stranger.connect(bootstrap, words[1]);
                return "";
            case "streams":
                Stranger.streams(bootstrap, words[1], words[2]);
                return "";
            case "leave":
                members.get(words[1]).leave();
                return "";
            case "close":
                members.get(words[1]).leave();
                members.remove(words[1]).join();
                return "";
            case "held":
                return held();
            case "commit":
                members.get(words[1]).commit(words[2], Integer.parseInt(words[3]), Long.parseLong(words[4]));
                return "";
            default:
                return setup.done(words);
        }
    }

    private static Map<String, String> settings(String[] words) {
        Map<String, String> settings = new TreeMap<>();
        for (int i = 5; i < words.length; i++) {
            String[] setting = words[i].split("=", 2);
            settings.put(setting[0], setting[1]);
        }
        return settings;
    }

    private String held() {
        members.values().removeIf(Member::hasLeft);
        StringBuilder all = new StringBuilder();
        members.forEach((name, member) -> all.append(name).append('=').append(member.held()).append(' '));
        return all.toString();
    }
}
