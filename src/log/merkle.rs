//! Merkle trees as RFC 6962, section 2.1, defines them, over SHA-256: one root stands for all entries in their order, and a
//! few hashes prove that an entry is among them.

use sha2::{Digest, Sha256};

/// A hash in a tree.
pub type TreeHash = [u8; 32];

/// A tree that grows at its end; holds one hash for each power of two in its size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// The roots of the perfect subtrees, from the left.
    peaks: Vec<TreeHash>,
}

impl Tree {
    /// Adds an entry at the end.
    pub fn add(&mut self, entry: &[u8]) {
        let mut hash = leaf(entry);
        let mut before = self.size;
        while before & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            hash = node(&left, &hash);
            before >>= 1;
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// A tree of so many entries, by its [`Self::peaks`]; [`None`] if these are not as many as such a tree has.
    #[must_use]
    pub fn from_peaks(size: u64, peaks: Vec<TreeHash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// The roots of the perfect subtrees, from the left: all that a tree needs to grow.
    #[must_use]
    pub fn peaks(&self) -> &[TreeHash] {
        &self.peaks
    }

    /// Number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The Merkle Tree Hash of the entries.
    #[must_use]
    pub fn root(&self) -> TreeHash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return Sha256::digest([]).into() };
        peaks.fold(*last, |right, left| node(left, &right))
    }
}

/// Gathers the audit path of one entry while all entries pass by; its memory does not depend on their number.
#[derive(Debug)]
pub struct Prover {
    parts: Vec<Part>,
}

/// A subtree beside the way from the entry to the root.
#[derive(Debug)]
struct Part {
    from: u64,
    until: u64,
    tree: Tree,
}

impl Prover {
    /// For the entry at `index`, from 0, of `size` entries.
    #[must_use]
    pub fn new(index: u64, size: u64) -> Self {
        let (mut from, mut until, mut parts) = (0, size, vec![]);
        while until - from > 1 {
            // The largest power of two below the size.
            let split = from + (1 << (u64::BITS - 1 - (until - from - 1).leading_zeros()));
            let (beside, on_the_way) =
                if index < split { ((split, until), (from, split)) } else { ((from, split), (split, until)) };
            parts.push(Part { from: beside.0, until: beside.1, tree: Tree::default() });
            (from, until) = on_the_way;
        }
        // An audit path begins at the entry.
        parts.reverse();
        Self { parts }
    }

    /// Takes the entry at an index; each is taken once, in order.
    pub fn add(&mut self, index: u64, entry: &[u8]) {
        if let Some(part) = self.parts.iter_mut().find(|part| (part.from..part.until).contains(&index)) {
            part.tree.add(entry);
        }
    }

    /// The audit path.
    #[must_use]
    pub fn path(&self) -> Vec<TreeHash> {
        self.parts.iter().map(|part| part.tree.root()).collect()
    }
}

fn leaf(entry: &[u8]) -> TreeHash {
    Sha256::new_with_prefix([0]).chain_update(entry).finalize().into()
}

fn node(left: &TreeHash, right: &TreeHash) -> TreeHash {
    Sha256::new_with_prefix([1]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The entries of the test vectors of Certificate Transparency's reference implementation (google/certificate-transparency).
    const ENTRIES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    fn entries() -> Vec<Vec<u8>> {
        ENTRIES.iter().map(|entry| hex::decode(entry).expect("hex")).collect()
    }

    /// The root as section 2.1 defines it.
    fn defined(entries: &[Vec<u8>]) -> TreeHash {
        match entries {
            [] => Sha256::digest([]).into(),
            [entry] => leaf(entry),
            _ => {
                let split = entries.len().next_power_of_two() / 2;
                node(&defined(&entries[..split]), &defined(&entries[split..]))
            }
        }
    }

    #[test]
    fn the_published_roots_are_computed() {
        let mut tree = Tree::default();
        assert_eq!(hex::encode(tree.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        tree.add(&entries()[0]);
        assert_eq!(hex::encode(tree.root()), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        entries()[1..].iter().for_each(|entry| tree.add(entry));
        assert_eq!(hex::encode(tree.root()), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn a_tree_of_every_size_has_the_root_that_is_defined_and_every_entry_is_proved() {
        let entries: Vec<Vec<u8>> = (0..70_u8).map(|number| vec![number; usize::from(number % 5)]).collect();
        for size in 1..=entries.len() {
            let mut tree = Tree::default();
            entries[..size].iter().for_each(|entry| tree.add(entry));
            assert_eq!((tree.root(), tree.size()), (defined(&entries[..size]), size as u64));
            for index in 0..size {
                let mut prover = Prover::new(index as u64, size as u64);
                (0..).zip(&entries[..size]).for_each(|(at, entry)| prover.add(at, entry));
                assert_eq!(root_of(index, size, &entries[index], &prover.path()), tree.root(), "{index} of {size}");
            }
        }
    }

    /// What RFC 9162, section 2.1.3.2, computes from an audit path.
    fn root_of(index: usize, size: usize, entry: &[u8], path: &[TreeHash]) -> TreeHash {
        let (mut at, mut last, mut hash) = (index, size - 1, leaf(entry));
        for beside in path {
            if at % 2 == 1 || at == last {
                hash = node(beside, &hash);
                while at % 2 == 0 && at != 0 {
                    (at, last) = (at / 2, last / 2);
                }
            } else {
                hash = node(&hash, beside);
            }
            (at, last) = (at / 2, last / 2);
        }
        hash
    }
}
