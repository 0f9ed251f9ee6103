//! Error codes of answers, as far as something follows from them.

use std::fmt;

/// A code of Kafka's that is no success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ErrorCode(i16);

impl ErrorCode {
    pub(crate) const UNKNOWN_TOPIC_OR_PARTITION: Self = Self(3);
    pub(crate) const LEADER_NOT_AVAILABLE: Self = Self(5);
    pub(crate) const INVALID_GROUP_ID: Self = Self(24);
    pub(crate) const TOPIC_AUTHORIZATION_FAILED: Self = Self(29);
    pub(crate) const GROUP_AUTHORIZATION_FAILED: Self = Self(30);
    pub(crate) const CLUSTER_AUTHORIZATION_FAILED: Self = Self(31);
    pub(crate) const UNSUPPORTED_SASL_MECHANISM: Self = Self(33);
    pub(crate) const ILLEGAL_SASL_STATE: Self = Self(34);
    pub(crate) const UNSUPPORTED_VERSION: Self = Self(35);
    pub(crate) const NOT_CONTROLLER: Self = Self(41);
    pub(crate) const SASL_AUTHENTICATION_FAILED: Self = Self(58);
    pub(crate) const GROUP_ID_NOT_FOUND: Self = Self(69);

    /// What an answer says; 0 is no error.
    pub(crate) fn read(code: i16) -> Result<(), Self> {
        if code == 0 { Ok(()) } else { Err(Self(code)) }
    }

    /// It passes by itself: a broker or a coordinator is starting, moving or busy.
    pub(crate) const fn passes(self) -> bool {
        matches!(self.0, 5 | 6 | 7 | 8 | 9 | 13 | 14 | 15 | 16 | 41 | 56 | 74 | 75 | 78 | 89)
    }

    /// Another broker leads the partition, or none does for now: metadata must be read anew.
    pub(crate) const fn is_about_leader(self) -> bool {
        matches!(self.0, 5 | 6 | 8 | 9 | 56 | 74 | 75 | 78)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            -1 => "UNKNOWN_SERVER_ERROR",
            1 => "OFFSET_OUT_OF_RANGE",
            3 => "UNKNOWN_TOPIC_OR_PARTITION",
            5 => "LEADER_NOT_AVAILABLE",
            6 => "NOT_LEADER_OR_FOLLOWER",
            7 => "REQUEST_TIMED_OUT",
            8 => "BROKER_NOT_AVAILABLE",
            9 => "REPLICA_NOT_AVAILABLE",
            13 => "NETWORK_EXCEPTION",
            14 => "COORDINATOR_LOAD_IN_PROGRESS",
            15 => "COORDINATOR_NOT_AVAILABLE",
            16 => "NOT_COORDINATOR",
            17 => "INVALID_TOPIC_EXCEPTION",
            24 => "INVALID_GROUP_ID",
            29 => "TOPIC_AUTHORIZATION_FAILED",
            30 => "GROUP_AUTHORIZATION_FAILED",
            31 => "CLUSTER_AUTHORIZATION_FAILED",
            33 => "UNSUPPORTED_SASL_MECHANISM",
            34 => "ILLEGAL_SASL_STATE",
            35 => "UNSUPPORTED_VERSION",
            41 => "NOT_CONTROLLER",
            42 => "INVALID_REQUEST",
            43 => "UNSUPPORTED_FOR_MESSAGE_FORMAT",
            56 => "KAFKA_STORAGE_ERROR",
            58 => "SASL_AUTHENTICATION_FAILED",
            69 => "GROUP_ID_NOT_FOUND",
            74 => "FENCED_LEADER_EPOCH",
            75 => "UNKNOWN_LEADER_EPOCH",
            78 => "OFFSET_NOT_AVAILABLE",
            89 => "THROTTLING_QUOTA_EXCEEDED",
            code => return write!(f, "the error code {code}"),
        };
        f.write_str(name)
    }
}
