//! Shares of what is to be dispatched: several nodes send at the same time, each of them other customers' messages.

use sha2::{Digest, Sha256};

use crate::ids::CustomerId;

/// One of equal shares of all customers. A message is in the share of the customer in whose stream it is: that of a merged
/// record stays where it was. Which share that is depends on the customer's id and the number of shares alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// From 1.
    number: u8,
    /// How many there are.
    of: u8,
}

impl Share {
    /// All customers.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// All shares, where there are so many.
    pub fn all(of: u8) -> impl Iterator<Item = Self> {
        (1..=of).map(move |number| Self { number, of })
    }

    /// Whether a customer is in it.
    #[must_use]
    pub fn has(self, customer: CustomerId) -> bool {
        self.of <= 1 || number(customer, self.of) == self.number
    }

    /// Its number, from 1.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.number
    }

    /// How many shares there are.
    #[must_use]
    pub const fn of(self) -> u8 {
        self.of
    }
}

/// The number of a customer's share. All nodes must find the same one, of whatever version they are: this never changes. The id's
/// own bits would not do, as some ids begin with a time.
fn number(customer: CustomerId, of: u8) -> u8 {
    let digest = Sha256::digest(customer.0.as_bytes());
    let first = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    // Below `of`, which fits.
    u8::try_from(first % u64::from(of)).unwrap_or_default() + 1
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn customer(number: u128) -> CustomerId {
        CustomerId(Uuid::from_u128(number))
    }

    #[test]
    fn a_customer_is_in_the_same_share_for_ever() {
        const IDS: [u128; 5] = [0, 1, 2, u128::MAX, 0x0192_8c5e_7d00_7000_8000_0000_0000_0001];
        let in_eight = IDS.map(|id| number(customer(id), 8));
        assert_eq!(in_eight, [6, 4, 1, 2, 5]);
        let in_six = IDS.map(|id| number(customer(id), 6));
        assert_eq!(in_six, [4, 2, 5, 4, 3]);
    }

    #[test]
    fn a_customer_is_in_one_share_and_shares_are_even() {
        const CUSTOMERS: u128 = 20_000;
        // Numbers that count, and ids that differ in the time that they begin with.
        const IDS: [fn(u128) -> u128; 2] =
            [|number| number, |number| 0x0192_8c5e_7d00_7000_8000_0000_0000_0001 + (number << 80)];
        for of in [1, 2, 3, 6, 8, 64] {
            for id in IDS {
                let mut sizes = vec![0_u32; usize::from(of)];
                for customer in (0..CUSTOMERS).map(id).map(customer) {
                    let found: Vec<Share> = Share::all(of).filter(|share| share.has(customer)).collect();
                    let [share] = found[..] else { panic!("{customer} is in {found:?}") };
                    sizes[usize::from(share.number - 1)] += 1;
                }
                let even = f64::from(u32::try_from(CUSTOMERS).expect("few")) / f64::from(of);
                // Five standard deviations of what chance does.
                let close = |size: &u32| (f64::from(*size) - even).abs() <= 5.0 * even.sqrt();
                assert!(sizes.iter().all(close), "of {of}: {sizes:?}");
            }
        }
    }

    #[test]
    fn the_whole_has_everybody() {
        assert!((0..100).all(|id| Share::WHOLE.has(customer(id))));
    }
}
