//! What a call says, and what keys and machines do in it.

use serde::{Deserialize, Serialize};

use crate::domain::value::words;

/// A script that a call reads out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceScript {
    /// The language of the voice, such as `de-DE`.
    pub language: String,
    /// The voice's name at the provider; absent: the provider's own choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// What is said, in order.
    pub steps: Vec<Step>,
    /// What happens where a machine picks up; absent: that is not tested, and the script is read to whatever picks up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<OnMachine>,
    /// The keys that may be pressed while the script is read, and a while after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Key>,
}

words! {
    /// What a call does where a machine picks up.
    OnMachine, "what a call does at a machine" {
        /// The script is left on it, after its greeting.
        LeaveMessage = "leave_message",
        /// Nothing is left on it.
        HangUp = "hang_up",
    }
}

words! {
    /// What it means that a key is pressed in a call.
    KeyMeaning, "meaning of a key" {
        /// No more calls and messages to this number.
        OptOut = "opt_out",
        /// An answer, which stands in the conversation.
        Answer = "answer",
    }
}

/// A key that may be pressed in a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// 0 to 9.
    pub digit: u8,
    /// What it means.
    pub meaning: KeyMeaning,
    /// What is said to who pressed it, before the call ends.
    pub say: String,
}

/// A step of a phone script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Words to say.
    Say(String),
    /// Silence, in seconds.
    Pause(u32),
}
