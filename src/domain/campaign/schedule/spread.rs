//! Where in a spread a recipient comes.

use chrono::TimeDelta;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Keeps the places of a spread apart from other uses of a hash of the id.
const PURPOSE: &[u8] = b"campaign spread/1";

/// How long after the first moment of a spread a person's message goes, in whole milliseconds: less than the spread. It
/// is a function of the id alone, and even over all ids.
pub(super) fn offset(person: Uuid, minutes: u32) -> TimeDelta {
    let millis = u64::from(minutes) * 60_000;
    if millis == 0 {
        return TimeDelta::zero();
    }
    let digest = Sha256::new().chain_update(PURPOSE).chain_update(person.as_bytes()).finalize();
    let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    TimeDelta::milliseconds(i64::try_from(number % millis).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_the_same_place_in_every_process() {
        let person = Uuid::from_u128(0x1234);
        assert_eq!(offset(person, 60), offset(person, 60));
        assert_eq!(offset(person, 0), TimeDelta::zero());
        // Written down once: were it to change, a restart would move messages.
        assert_eq!(offset(person, 60).num_milliseconds(), 626_485);
    }

    #[test]
    fn people_are_spread_evenly() {
        let mut tenths = [0_u32; 10];
        for id in 0..10_000_u128 {
            let offset = offset(Uuid::from_u128(id), 10);
            assert!(offset < TimeDelta::minutes(10));
            tenths[usize::try_from(offset.num_minutes()).expect("a tenth")] += 1;
        }
        assert!(tenths.iter().all(|count| (850..1_150).contains(count)), "{tenths:?}");
    }
}
