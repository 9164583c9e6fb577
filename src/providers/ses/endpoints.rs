//! Where the services of AWS are in each region, and what regions, topics and buckets are called.

use url::Url;

/// A region's name, such as `eu-west-1`: the only text that hosts are made of.
pub(super) fn is_region(text: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.len() <= 30 && text.split('-').count() >= 3 && text.split('-').all(is_part)
}

/// The host of a service in a region; regions in China have a domain of their own.
pub(super) fn host(service: &str, region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("{service}.{region}.{domain}")
}

/// The URL of a service in a region.
pub(super) fn url(service: &str, region: &str) -> Option<Url> {
    is_region(region).then(|| Url::parse(&format!("https://{}/", host(service, region))).ok()).flatten()
}

/// The region that a topic is in, by its ARN: `arn:aws:sns:eu-west-1:123456789012:events`.
pub(super) fn region_of_topic(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts[..] {
        ["arn", "aws" | "aws-cn" | "aws-us-gov", "sns", region, account, topic]
            if is_region(region) && is_account(account) && !topic.is_empty() =>
        {
            Some(region)
        }
        _ => None,
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A bucket's name: it becomes a part of a path.
pub(super) fn is_bucket(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    (3..=63).contains(&text.len()) && text.bytes().all(is_letter) && !text.contains("..") && !text.starts_with('.')
}

/// The `Message-ID` that SES gives a mail with this id, in place of the one that it was handed over with.
pub(super) fn mail_id(message_id: &str, region: &str) -> String {
    // As seen in mail that came back; the first region is older than the others' naming.
    let host = if region == "us-east-1" { "email" } else { region };
    format!("<{message_id}@{host}.amazonses.com>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_made_of_regions_only() {
        for region in ["us-east-1", "eu-west-1", "us-gov-west-1", "cn-north-1", "ap-southeast-3", "me-central-1"] {
            assert!(is_region(region), "{region}");
        }
        for text in ["", "us", "us-east", "US-EAST-1", "us-east-1.evil.example/", "a--1", "us-east-1\n", "us-east-1@x"]
        {
            assert!(!is_region(text), "{text:?}");
            assert_eq!(url("sns", text), None);
        }
        assert_eq!(
            url("email", "eu-west-1").map(String::from),
            Some("https://email.eu-west-1.amazonaws.com/".to_owned())
        );
        assert_eq!(host("sns", "cn-north-1"), "sns.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn a_topic_says_its_region() {
        assert_eq!(region_of_topic("arn:aws:sns:us-west-2:131990247566:dongie-standard-topic"), Some("us-west-2"));
        assert_eq!(region_of_topic("arn:aws-cn:sns:cn-north-1:131990247566:events"), Some("cn-north-1"));
        for arn in [
            "",
            "arn:aws:sqs:us-west-2:131990247566:queue",
            "arn:aws:sns:us-west-2:131990247566:topic:subscription",
            "arn:aws:sns:evil.example:131990247566:topic",
            "arn:aws:sns:us-west-2:1:topic",
            "arn:aws:sns:us-west-2:131990247566:",
        ] {
            assert_eq!(region_of_topic(arn), None, "{arn}");
        }
    }

    #[test]
    fn a_buckets_name_is_no_path() {
        assert!(is_bucket("mail.shop-example"));
        for text in ["", "ab", "../other", "a/b", "Mail", "a..b", ".a.b", "a%2Fb"] {
            assert!(!is_bucket(text), "{text}");
        }
    }
}
