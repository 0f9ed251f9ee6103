/* librdkafka's assignors as plain functions, and the step that follows the cooperative one. That step is private to
 * rdkafka_cgrp.c, so that file is part of this one. */
#include "rdkafka_cgrp.c"

struct shim_member {
        const char *id;
        const char *instance; /* or NULL */
        int generation;       /* -1: none */
        int topic_cnt;
        const char *const *topics;
        int owned_cnt;
        const char *const *owned_topics;
        const int *owned_partitions;
};

typedef void shim_emit_t(void *opaque, const char *member, const char *topic, int partition);

/* A client that never connects, with one assignor. */
rd_kafka_t *shim_new(const char *assignor) {
        char errstr[256];
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        rd_kafka_conf_set(conf, "group.id", "group", errstr, sizeof(errstr));
        rd_kafka_conf_set(conf, "partition.assignment.strategy", assignor, errstr, sizeof(errstr));
        return rd_kafka_new(RD_KAFKA_CONSUMER, conf, errstr, sizeof(errstr));
}

static void shim_member_init(rd_kafka_group_member_t *to, const struct shim_member *from) {
        int i;
        memset(to, 0, sizeof(*to));
        to->rkgm_member_id         = rd_kafkap_str_new(from->id, -1);
        to->rkgm_group_instance_id = rd_kafkap_str_new(from->instance, -1);
        to->rkgm_generation        = from->generation;
        rd_list_init(&to->rkgm_eligible, 0, NULL);
        to->rkgm_subscription = rd_kafka_topic_partition_list_new(from->topic_cnt);
        for (i = 0; i < from->topic_cnt; i++)
                rd_kafka_topic_partition_list_add(to->rkgm_subscription, from->topics[i], RD_KAFKA_PARTITION_UA);
        to->rkgm_owned = rd_kafka_topic_partition_list_new(from->owned_cnt);
        for (i = 0; i < from->owned_cnt; i++)
                rd_kafka_topic_partition_list_add(to->rkgm_owned, from->owned_topics[i],
                                                  from->owned_partitions[i]);
        to->rkgm_assignment = rd_kafka_topic_partition_list_new(4);
}

static rd_kafka_metadata_t *shim_metadata(int topic_cnt, char **names, int *counts) {
        return rd_kafka_metadata_new_topic_with_partition_replicas_mock(0, 0, names, counts, topic_cnt);
}

/* One rebalance, as the leader of the group computes it. */
int shim_assign(rd_kafka_t *rk, const char *assignor, int topic_cnt, char **names, int *counts, int member_cnt,
                const struct shim_member *from, shim_emit_t *emit, void *opaque) {
        char errstr[256];
        int i, j;
        rd_kafka_assignor_t *rkas     = rd_kafka_assignor_find(rk, assignor);
        rd_kafka_metadata_t *metadata = shim_metadata(topic_cnt, names, counts);
        rd_kafka_group_member_t *members = rd_calloc(member_cnt, sizeof(*members));
        rd_kafka_resp_err_t err;

        for (i = 0; i < member_cnt; i++)
                shim_member_init(&members[i], &from[i]);
        err = rd_kafka_assignor_run(rk->rk_cgrp, rkas, metadata, members, member_cnt, errstr, sizeof(errstr));
        if (!err && rkas->rkas_protocol == RD_KAFKA_REBALANCE_PROTOCOL_COOPERATIVE)
                rd_kafka_cooperative_protocol_adjust_assignment(rk->rk_cgrp, members, member_cnt);
        for (i = 0; i < member_cnt; i++) {
                rd_kafka_topic_partition_list_t *list = members[i].rkgm_assignment;
                for (j = 0; j < list->cnt; j++)
                        emit(opaque, members[i].rkgm_member_id->str, list->elems[j].topic,
                             list->elems[j].partition);
                rd_kafka_group_member_clear(&members[i]);
        }
        rd_free(members);
        rd_kafka_metadata_destroy(metadata);
        return err;
}
