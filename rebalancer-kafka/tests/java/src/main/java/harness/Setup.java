package harness;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AccessControlEntryFilter;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourcePatternFilter;
import org.apache.kafka.common.resource.ResourceType;

/** What somebody with all rights does to a broker. */
final class Setup {
    private final Admin admin;
    private final Loads loads;

    Setup(String bootstrap) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        admin = Admin.create(settings);
        loads = new Loads(settings);
    }

    String done(String[] words) throws Exception {
        switch (words[0]) {
            case "topic":
                topic(words);
                return "";
            case "produce":
                loads.produce(words[1], Integer.parseInt(words[2]), Integer.parseInt(words[3]));
                return "";
            case "past":
                loads.past(words[1], Integer.parseInt(words[2]), words[3].split(","));
                return "";
            case "course":
                loads.course(words[1], Long.parseLong(words[2]), Integer.parseInt(words[3]), words[4].split(";"));
                return "";
            case "truncate":
                admin.deleteRecords(Map.of(new TopicPartition(words[1], Integer.parseInt(words[2])),
                        RecordsToDelete.beforeOffset(Long.parseLong(words[3])))).all().get();
                return "";
            case "flow":
                loads.flow(words[1], words[2].split(","));
                return "";
            case "reassign":
                reassign(new TopicPartition(words[1], Integer.parseInt(words[2])), words[3].split(","));
                return "";
            case "acl":
                allow(words[1], AclOperation.fromString(words[2]), ResourceType.fromString(words[3]), words[4]);
                return "";
            case "revoke":
                admin.deleteAcls(List.of(new AclBindingFilter(ResourcePatternFilter.ANY,
                        new AccessControlEntryFilter(words[1], null, AclOperation.ANY, AclPermissionType.ANY))))
                        .all().get();
                return "";
            default:
                throw new IllegalArgumentException("no such order: " + words[0]);
        }
    }

    private void topic(String[] words) throws Exception {
        Map<String, String> configs = new HashMap<>();
        for (int i = 3; i < words.length; i++) {
            String[] config = words[i].split("=", 2);
            configs.put(config[0], config[1]);
        }
        NewTopic topic = new NewTopic(words[1], Integer.parseInt(words[2]), (short) 1).configs(configs);
        admin.createTopics(List.of(topic)).all().get();
    }

    private void reassign(TopicPartition partition, String[] brokers) throws Exception {
        List<Integer> replicas = Arrays.stream(brokers).map(Integer::valueOf).toList();
        admin.alterPartitionReassignments(Map.of(partition, Optional.of(new NewPartitionReassignment(replicas))))
                .all().get();
    }

    private void allow(String principal, AclOperation operation, ResourceType type, String name) throws Exception {
        AccessControlEntry entry = new AccessControlEntry(principal, "*", operation, AclPermissionType.ALLOW);
        ResourcePattern pattern = new ResourcePattern(type, name, PatternType.LITERAL);
        admin.createAcls(List.of(new AclBinding(pattern, entry))).all().get();
    }
}
