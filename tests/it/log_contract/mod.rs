//! The log's contract: one named test per clause, run on every backend.

mod bad_files;
mod blobs;
mod cancelling;
mod child;
mod clauses;
mod kurrentdb;
mod loading;
mod postgres;
mod power_cut;
mod servers;
mod sqlite;
mod world;

pub(crate) use world::{Store, World};

/// Makes a test of each clause for one backend.
macro_rules! tests {
    ($store:ty; $($part:ident: $($clause:ident)*;)*) => {$($(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $clause() {
            let world = $crate::log_contract::World::new(Box::new(<$store>::fresh().await)).await;
            $crate::log_contract::clauses::$part::$clause(&world).await;
            world.log.close().await;
        }
    )*)*};
}
pub(crate) use tests;

/// All clauses: what a backend in a SQL database meets.
macro_rules! contract {
    ($store:ty) => {
        $crate::log_contract::everywhere!($store);
        $crate::log_contract::under_one_lock!($store);
        $crate::log_contract::in_sql!($store);
    };
}
pub(crate) use contract;

/// The clauses that every backend meets.
macro_rules! everywhere {
    ($store:ty) => {
        $crate::log_contract::tests! { $store;
            appending:
                the_first_event_of_a_stream_has_version_one_and_positions_have_no_gaps
                events_come_back_as_they_were_handed_in
                a_version_conflict_tells_expected_and_actual
                a_stream_that_must_not_exist_is_made_once
                of_twenty_parallel_appends_with_one_expected_version_exactly_one_wins
                an_append_is_made_as_a_whole_or_not_at_all
                each_append_of_a_group_has_its_own_result
                appends_of_one_call_to_one_stream_build_on_each_other
                facts_need_no_version
                an_append_without_events_is_refused
                an_event_of_more_than_256_kb_is_refused
                personal_data_without_a_subject_is_refused
                tenants_with_the_same_keys_have_streams_of_their_own
                an_append_whose_caller_goes_away_is_whole_or_absent
                many_concurrent_appends_share_commits_and_all_stand;
            preconditions:
                a_precondition_that_does_not_hold_is_a_conflict_of_that_stream
                a_precondition_that_holds_lets_the_append_through
                a_precondition_sees_the_appends_before_it_in_the_call;
            repetition:
                a_repeated_command_gets_the_first_answer_and_adds_nothing
                a_command_id_with_other_input_is_refused
                a_command_is_found_by_its_id_in_its_tenant_only
                a_command_repeated_in_parallel_is_carried_out_once
                appends_of_one_command_stand_or_fall_together
                appends_of_one_command_are_repeated_as_they_were
                repeated_event_ids_are_answered_with_the_original_positions
                a_repetition_is_recognised_though_its_expected_version_is_stale
                an_event_id_of_another_event_is_taken
                an_event_id_twice_in_one_append_is_taken
                a_partly_repeated_append_is_refused
                facts_repeated_in_parallel_are_appended_once;
            reading:
                all_events_are_read_in_commit_order_whatever_the_batch
                pages_hold_every_event_once_also_those_appended_after_the_end
                many_streams_are_read_at_once
                the_log_is_read_backwards
                a_read_stops_at_its_byte_limit_but_returns_one_event
                a_stream_is_read_forwards_and_backwards
                a_stream_that_does_not_exist_is_empty
                heads_are_told_in_the_order_asked
                an_empty_log_has_a_head
                recorded_at_never_decreases_though_the_clock_does
                a_position_is_found_by_time
                events_between_two_positions_are_counted
                a_watcher_is_told_of_appends_by_another_process
                a_tailing_reader_sees_every_event_once_in_order
                an_epoch_marks_the_events_after_it;
            sealing:
                personal_data_is_nowhere_in_the_clear
                personal_data_opens_for_who_has_the_keys
                a_sealed_text_moved_to_another_event_does_not_open
                a_decided_append_for_a_forgotten_subject_is_refused
                a_late_fact_about_a_forgotten_subject_keeps_the_fact_only
                a_forgotten_subjects_events_stay_without_personal_data
                a_key_destroyed_elsewhere_is_forgotten_here
                a_restored_key_never_undoes_its_tombstone
                a_subject_forgotten_before_its_first_event_never_gets_a_key
                concurrent_first_uses_agree_on_one_key
                a_tenant_secret_is_made_once_and_outlives_the_tenants_key
                snapshots_are_sealed_and_go_with_the_key
                a_snapshot_of_another_fold_version_is_ignored
                a_secret_is_sealed_opens_in_its_place_only_and_is_destroyed_for_good
                a_wrong_master_key_is_told
                a_missing_key_store_is_told;
            chain:
                an_untouched_log_verifies
                a_checkpoint_holds_for_a_log_that_grew
                a_forged_checkpoint_is_refused;
            schema:
                an_old_payload_is_read_in_the_newest_schema_and_stays_as_it_is;
            crashes:
                what_was_acknowledged_survives_a_killed_writer;
        }
    };
}
pub(crate) use everywhere;

/// The clauses that hold only where streams that are judged, and not written, cannot move meanwhile. KurrentDB checks them from
/// version 26.1 on; older servers are asked just before, and the time between is open.
macro_rules! under_one_lock {
    ($store:ty) => {
        $crate::log_contract::tests! { $store;
            preconditions:
                of_two_appends_that_judge_each_others_stream_one_wins;
        }
    };
}
pub(crate) use under_one_lock;

/// The clauses of what SQL can do to a log, and what triggers refuse. A log in KurrentDB is changed by other means, of which
/// `kurrentdb` tries some; a server cannot be made to refuse its administrators, and a copy of a cluster does not know that it
/// is one: the mark in the key store does.
macro_rules! in_sql {
    ($store:ty) => {
        $crate::log_contract::tests! { $store;
            reading:
                a_copied_log_knows_it_until_an_epoch_is_started;
            leases:
                a_lease_has_one_holder_until_it_ends_and_each_has_a_term_of_its_own
                of_many_nodes_that_want_a_lease_one_gets_it
                a_lease_from_before_the_clock_was_put_back_is_nobodys
                terms_never_fall_and_leases_are_never_deleted
                the_mark_that_permits_a_call_is_refused_to_who_was_replaced
                marks_in_terms_of_several_leases_are_written_together_and_each_term_counts_for_itself;
            chain:
                a_changed_byte_in_any_column_is_named_by_verify
                a_changed_stream_is_named_by_verify_with_its_first_event
                a_removed_event_is_named_by_verify
                swapped_events_are_named_by_verify
                a_checkpoint_catches_a_shortened_log
                a_checkpoint_catches_a_rewritten_log
                a_command_that_was_removed_or_added_is_noticed_without_a_checkpoint
                a_checkpoint_catches_a_changed_command_stream_or_epoch
                a_checkpoint_of_another_log_is_recognised
                events_are_never_updated
                events_are_never_deleted
                streams_commands_and_epochs_are_never_changed;
        }
    };
}
pub(crate) use in_sql;
