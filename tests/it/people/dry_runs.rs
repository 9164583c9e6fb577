//! A dry run says exactly what the run does, whatever is in the file: an input of each kind that files get wrong, one after the
//! other into one log.

use super::on_both;
use crate::cli::Ended;

/// Name, arguments behind `commlog import`, content.
const FILES: &[(&str, &[&str], &str)] = &[
    ("plain.csv", &["customers"], "Email,Name\nNora.Varga@x.example,Nora Varga\nilya@x.example,Ilya Petrov\n"),
    ("ids-later.csv", &["customers"], "Customer ID,Email,Name,Industry\n77,nora.varga@x.example,Nora Varga,bricks\n"),
    (
        "account-ids.csv",
        &["customers"],
        "Id,AccountId,LastName,FirstName,Email,HasOptedOutOfEmail\n\
         A1,C1,Osei,Abena,abena@x.example,false\nA2,C1,Lind,Maja,maja@x.example,true\nA3,,Kim,Lee,,false\n",
    ),
    (
        "rounded.csv",
        &["customers"],
        "customer,Email,Name\n5.15123E+10,one@x.example,One\n5.15123E+10,two@x.example,Two\n9,three@x.example,Three\n",
    ),
    (
        "nothing.csv",
        &["customers"],
        "customer,Email,Name\nNULL,four@x.example,Four\n#N/A,five@x.example,Five\nNULL,,\n",
    ),
    (
        "two-people.csv",
        &["customers"],
        "customer,Email,Name\nB1,six@x.example,Six Smith\nB1,seven@x.example,Seven Jones\nB2,eight@x.example,Eight\n",
    ),
    (
        "companies.csv",
        &["customers"],
        "First Name,Last Name,Email,Accepts Email Marketing,Company,Phone,Tags\n\
         Ann,Lee,ann@x.example,no,Works Ltd,+442079460101,\"vip, trade\"\nBob,Ray,bob@x.example,yes,Works Ltd,n/a,\n",
    ),
    (
        "spellings.csv",
        &["customers"],
        "Email,Name\n\u{200B}nora.varga@x.example,A\nmailto:ILYA@x.example,B\nnot-an-email,C\nhana..ko@docomo.ne.jp,D\n",
    ),
    ("sep.csv", &["customers"], "sep=;\nE-Mail;Name;Mobile\nzoe@x.example;Zoe;+447911123456\n"),
    (
        "tags.csv",
        &["customers"],
        "Email Address,First Name,Last Name,OPTIN_TIME,UNSUB_TIME,LEID,EUID,TAGS\nyan@x.example,Yan,Li,,2023-03-15 10:00:00,1,a,\"\"\"VIP\"\",\"\"Trade, big\"\"\"\n",
    ),
    ("opted-out.csv", &["customers", "--consent", "email=opted_out"], "Email\nann@x.example\nnew@x.example\n"),
    ("unclear.csv", &["customers"], "Email,Marketing permission\nann@x.example,perhaps\n"),
    (
        "words.csv",
        &["customers", "--map", "State=subscription"],
        "Email,State\nann@x.example,subscribed\nbob@x.example,who knows\n",
    ),
    ("broken.csv", &["customers"], "Email,Name\nonly-one-value\nquo@x.example,\"open\nlast@x.example,Last\n"),
    ("ambiguous.csv", &["customers"], "customer,Email,Phone,Name\n,ann@x.example,+447911123456,Somebody\n"),
    ("scores.csv", &["customers"], "customer,Email,lead_score\nS1,s1@x.example,7\nS2,s2@x.example,seven\n"),
    (
        "orders.csv",
        &["orders", "--currency", "EUR"],
        "order,customer,date,sku,quantity,price\n1,77,2026-01-02 10:00,A,1,5.00\n1,77,2026-01-02 10:00,B,2,1.50\n2,,2026-01-03,A,1,7\n3,78,2026-01-03,A,1,7\n",
    ),
    (
        "orders-corrected.csv",
        &["orders", "--currency", "EUR", "--time-zone", "Europe/Vienna"],
        "order,customer,date,sku,quantity,price\n1,77,2026-01-02 11:00,A,1,5.00\n1,77,2026-01-02 11:00,B,2,1.75\n3,78,2026-01-03 01:00,A,1,7\n",
    ),
    (
        "rounded-orders.csv",
        &["orders", "--currency", "EUR"],
        "order,customer,date,sku,quantity,price\n1.00023E+11,7,2026-01-02,A,1,5\nX9,7,2026-02-03,B,1,7\n",
    ),
    (
        "shop-orders.csv",
        &["orders"],
        "Name,Email,Financial Status,Currency,Subtotal,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku\n\
         #1001,nora.varga@x.example,paid,EUR,34.00,38.90,2025-02-09 10:00:12 +0100,2,Brush,12.00,BR\n\
         #1001,nora.varga@x.example,,,,,2025-02-09 10:00:12 +0100,1,Pan,10.00,\n\
         #1002,new.buyer@x.example,paid,EUR,10.00,10.00,2025-02-10 23:29:58 +0100,1,Pan,10.00,MP\n\
         #1003,,paid,EUR,5.00,5.00,2025-02-11 09:00:00 +0100,1,Gift wrapping,5.00,\n",
    ),
    (
        "commas.csv",
        &["orders", "--currency", "EUR"],
        "order;customer;date;sku;quantity;price\n21;77;2026-02-01;A;1;1.234,50\n22;77;2026-02-01;A;3;2,5\n23;77;2026-02-01;A;1;2.5.1\n",
    ),
    (
        "either.csv",
        &["orders", "--currency", "EUR"],
        "order,customer,date,sku,quantity,price\n31,77,2026-02-01,A,1,1.234\n",
    ),
    (
        "other-currency.csv",
        &["orders", "--currency", "USD"],
        "order,customer,date,sku,quantity,price\n41,77,2026-02-01,A,1,€2.50\n42,77,2026-02-01,A,1,$2.50\n",
    ),
    (
        "log.csv",
        &["messages"],
        "From,To,Body,Status,SentDate,ApiVersion,NumSegments,ErrorCode,AccountSid,Sid,Direction\n\
         +12025550199,+14155552671,Spring offer. Reply STOP to end,delivered,2024-05-08T14:22:11Z,2010-04-01,1,0,AC1,SM1,outbound-api\n\
         +14155552671,+12025550199,Thanks!,received,2024-05-08T14:25:40Z,2010-04-01,1,0,AC1,SM2,inbound\n\
         +14155552671,+12025550199,STOP,received,2024-05-10T09:01:30Z,2010-04-01,1,0,AC1,SM4,inbound\n\
         22395,+12025550199,A short code,received,2024-05-10T09:01:30Z,2010-04-01,1,0,AC1,SM5,inbound\n",
    ),
    (
        "zones.csv",
        &["messages", "--channel", "sms"],
        "customer,text,at\n77,one,2024-02-09 15:00:00 UTC\n77,two,2024-02-09 15:00:00 XYZ\n77,three,2024-02-09T15:00:00+01:00\n,four,2024-02-09T15:00:00Z\n",
    ),
    (
        "format.csv",
        &["messages", "--channel", "sms", "--time-format", "%Y-%m-%d %H:%M:%S %Z"],
        "customer,text,at\n77,one,2024-02-09 15:00:00 UTC\n",
    ),
    ("anonymous.csv", &["messages", "--channel", "sms", "--anonymous"], "text\nfirst\nsecond\n"),
    ("no-header.csv", &["customers"], "1,2,3\n"),
];

/// What is said of a file, without what only one of the two can say.
fn said(ended: &Ended) -> (Option<i32>, Vec<String>, Vec<u64>) {
    let figure = |endings: &[&str]| {
        let upto = endings.iter().find_map(|ending| ended.stdout.split_once(ending))?.0;
        let last = upto.rsplit([' ', ':', ',', '\n']).find(|word| !word.is_empty())?;
        last.parse::<u64>().ok()
    };
    let figures = [
        figure(&[" of them known already"]),
        figure(&[" events would be appended", " events appended"]),
        figure(&[" lines are refused", " lines refused"]),
    ];
    let is_same = |line: &&str| {
        ["of them corrected", "new customers", "ids joined", "opt-outs", "refused: ", "left out: ", "error: "]
            .iter()
            .any(|part| line.contains(part))
    };
    let lines = ended.stdout.lines().chain(ended.stderr.lines()).filter(is_same).map(|line| line.trim().to_owned());
    (ended.code, lines.collect(), figures.into_iter().flatten().collect())
}

on_both! {
    fn a_dry_run_of_any_file_says_what_the_run_does(place: Place) {
        for repetition in ["first", "again"] {
            for (name, arguments, content) in FILES {
                place.file(name, content);
                let mut command = vec!["import", arguments[0], name];
                command.extend_from_slice(&arguments[1..]);
                let run = |more: &[&str]| place.run(&[&command[..], more].concat());
                let before = place.run(&["export", "events"]).stdout.lines().count();
                let dry = run(&["--dry-run"]);
                assert_eq!(place.run(&["export", "events"]).stdout.lines().count(), before, "{name}: it wrote");
                let real = run(&[]);
                assert_eq!(said(&dry), said(&real), "{name}, {repetition}:\n{}{}\n{}{}", dry.stdout, dry.stderr, real.stdout, real.stderr);
                let (code, lines, figures) = said(&real);
                assert!(code == Some(0) && figures.len() == 3 || !lines.is_empty(), "{name}: {code:?} {lines:?}");
                // Two files that correct each other change something each time.
                if repetition == "again" && !name.starts_with("orders") {
                    assert!(figures.get(1).is_none_or(|appended| *appended == 0), "{name}: {}", real.stdout);
                }
            }
        }
        place.ok(&["rebuild", "--check"]);
    }
}
