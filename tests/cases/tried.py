"""Index of the collections of hostile inputs: the test for each case.

`TRIED` names the test of a case that has its own. The others are parameters of the tests in `CASE_BY_CASE`. `DECIDED`
holds the cases that we answer otherwise than the collection expects, each with the reason and its test. `NOT_TRIED`
holds the cases that cannot be tried here, each with the reason.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).parent
GROUPS: Mapping[str, list[dict[str, Any]]] = json.loads((_HERE / "bad_inputs.json").read_text("utf-8"))["groups"]
SSRF: Mapping[str, Any] = json.loads((_HERE / "ssrf.json").read_text("utf-8"))
FAULTS: list[dict[str, Any]] = json.loads((_HERE / "faults.json").read_text("utf-8"))["faults"]

_BAD, _POINTS, _DISK = (
    "tests/http/parsing/test_bad_inputs.py",
    "tests/faults/test_points.py",
    "tests/faults/test_disk.py",
)
_ANSWERS, _STORE = "tests/http/surfaces/test_gateway_answers.py", "tests/contracts/test_generation_store.py"
_CROWDS, _DELIVERER = "tests/faults/test_crowds.py", "tests/worker/background/test_callbacks.py"
_SIGNED, _TLS = "tests/adapters/fetch/test_callbacks.py", "tests/adapters/fetch/test_tls.py"
_DURABILITY, _DECODER = "tests/contracts/test_sqlite_durability.py", "tests/media/sandbox/test_client.py"
_WIRE = "tests/adapters/fetch/test_wire.py"
_STARTUP, _BUCKET = "tests/faults/test_startup.py", "tests/faults/test_bucket.py"

CASE_BY_CASE: Mapping[str, tuple[str, ...]] = {
    "json": (f"{_BAD}::test_hostile_json",),
    "prompt": (f"{_BAD}::test_hostile_prompts",),
    "auth": (f"{_BAD}::test_hostile_keys",),
    "tasks": (f"{_BAD}::test_hostile_task_ids",),
    "assets": (f"{_BAD}::test_hostile_asset_paths", f"{_BAD}::test_hostile_ranges"),
    "http_wire": (f"{_BAD}::test_hostile_framing",),
    "images": (
        "tests/media/input/test_pictures.py::test_a_good_picture_is_taken_at_its_size",
        "tests/media/input/test_pictures.py::test_a_bad_picture_is_refused_by_code_and_with_advice",
    ),
    "ssrf": (
        "tests/adapters/fetch/test_urls.py::test_every_shared_case_is_judged_rightly_at_submit",
        "tests/adapters/fetch/test_wire.py::test_a_picture_is_fetched_or_not_as_the_shared_cases_say",
    ),
}

TRIED: Mapping[str, str] = {
    "json-49": f"{_BAD}::test_a_body_without_end_is_not_read_to_its_end",
    "json-61": "tests/http/parsing/test_corpora.py::test_no_document_that_is_not_json_is_taken",
    "json-63": "tests/http/parsing/test_corpora.py::test_every_naughty_string_is_refused_or_comes_back_as_it_was",
    "auth-25": f"{_ANSWERS}::test_a_replaced_key_stops_working_within_a_second_and_the_other_goes_on",
    "auth-27": "tests/http/edge/test_wrong_keys.py::test_thousands_of_wrong_keys_leave_nothing_and_hold_nobody_up",
    "auth-29": "tests/http/edge/test_wrong_keys.py::test_no_operation_answers_without_a_key",
    "ratelimit-01": f"{_DURABILITY}::test_a_hundred_a_minute_means_a_hundred_over_processes",
    "ratelimit-03": f"{_ANSWERS}::test_waiting_as_long_as_told_is_enough",
    "ratelimit-05": f"{_STORE}::test_limits_are_each_subscriptions_own",
    "ratelimit-07": f"{_ANSWERS}::test_refused_submits_count_as_reads_and_good_ones_do_not",
    "ratelimit-09": "tests/domain/test_quotas.py::test_a_clock_that_steps_back_locks_nobody_out_and_gives_nothing_away",
    "ratelimit-11": f"{_STORE}::test_no_more_at_once_than_the_product_says",
    "tasks-01": "tests/http/edge/test_indistinguishable.py::test_anothers_is_answered_as_none",
    "tasks-17": f"{_ANSWERS}::test_refused_submits_count_as_reads_and_good_ones_do_not",
    "tasks-19": "tests/http/surfaces/test_gateway_idempotency.py::test_the_same_name_for_another_body_is_refused",
    "tasks-21": "tests/http/surfaces/test_gateway_idempotency.py::test_a_name_is_short_and_visible_ascii",
    "assets-37": "tests/http/resources/test_downloads.py::test_head_says_the_same_without_the_bytes",
    "assets-39": "tests/http/resources/test_downloads.py::test_an_asset_can_only_be_read",
    "assets-41": "tests/http/resources/test_downloads.py::test_an_address_that_we_did_not_make_is_nothing",
    "assets-43": f"{_CROWDS}::test_idle_and_slow_callers_cost_the_others_nothing",
    "console-01": "tests/console/test_safety.py::test_hostile_texts_are_shown_and_never_executed",
    "console-09": "tests/console/test_safety.py::test_a_hostile_receivers_answer_is_shown_and_never_executed",
    "console-13": "tests/http/resources/test_health.py::test_pages_run_only_scripts_of_our_own",
    "console-15": "tests/console/test_attacks.py::test_no_form_of_another_page_acts",
    "console-19": "tests/http/edge/test_wrong_keys.py::test_thousands_of_wrong_keys_leave_nothing_and_hold_nobody_up",
    "console-21": "tests/console/test_bucket.py::test_a_clip_plays_from_the_bucket_and_is_saved_by_its_name",
    "console-23": "tests/console/test_attacks.py::test_no_script_of_another_page_acts_or_reads",
    "webhook_receiver_faults-01": f"{_DELIVERER}::test_a_2xx_counts_whatever_becomes_of_its_body",
    "webhook_receiver_faults-03": f"{_DELIVERER}::test_what_was_not_taken_is_tried_again_on_the_schedule_under_one_id",
    "webhook_receiver_faults-05": f"{_DELIVERER}::test_a_receiver_is_left_alone_as_long_as_it_asks",
    "webhook_receiver_faults-07": f"{_DELIVERER}::test_what_was_not_taken_is_tried_again_on_the_schedule_under_one_id",
    "webhook_receiver_faults-09": f"{_SIGNED}::test_no_answer_in_time_is_told_in_words_of_our_own",
    "webhook_receiver_faults-11": f"{_SIGNED}::test_the_status_counts_whatever_the_body_does",
    "webhook_receiver_faults-15": f"{_TLS}::test_a_certificate_that_is_not_theirs_ends_it",
    "webhook_receiver_faults-17": f"{_WIRE}::test_a_callback_is_posted_or_not_as_the_shared_cases_say",
    "webhook_signature-01": f"{_SIGNED}::test_a_receiver_can_verify_what_was_signed",
    "webhook_signature-03": f"{_SIGNED}::test_an_old_message_and_a_broken_signature_are_refused",
    "webhook_signature-05": f"{_SIGNED}::test_a_receiver_can_verify_what_was_signed",
    "webhook_signature-07": f"{_SIGNED}::test_an_id_can_be_signed_without_doubt",
    "webhook_signature-11": f"{_SIGNED}::test_a_receiver_can_verify_what_was_signed",
    "webhook_signature-13": f"{_SIGNED}::test_an_old_message_and_a_broken_signature_are_refused",
    "http_wire-21": f"{_BAD}::test_ten_thousand_headers",
    "http_wire-23": f"{_CROWDS}::test_half_sent_requests_are_cut_off_in_time",
    "http_wire-25": f"{_CROWDS}::test_half_sent_requests_are_cut_off_in_time",
    "http_wire-27": f"{_BAD}::test_a_hundred_requests_at_once_are_answered_in_order",
    "http_wire-29": f"{_BAD}::test_an_upgrade_is_not_made",
    "logs-01": "tests/cli/test_logs.py::test_no_line_is_forged_and_no_terminal_is_told_what_to_do",
    "logs-03": "tests/end_to_end/test_secrets.py::test_no_secret_is_written_down_and_no_line_is_forged",
    "logs-05": "tests/adapters/fetch/test_wire.py::test_a_picture_is_fetched_or_not_as_the_shared_cases_say",
    "logs-07": f"{_STARTUP}::test_nobody_has_to_read_what_it_says",
    "png_100k_text_chunks.png": "tests/media/input/test_pictures.py::test_a_hundred_thousand_remarks_cost_little",
    "F01": f"{_POINTS}::test_killed_in_a_submit_it_makes_one_generation_of_all_tries",
    "F02": f"{_POINTS}::test_killed_in_a_submit_it_makes_one_generation_of_all_tries",
    "F03": f"{_POINTS}::test_killed_in_a_submit_it_makes_one_generation_of_all_tries",
    "F04": "tests/faults/test_errors.py::test_a_submit_that_failed_is_sent_again_and_is_one_generation",
    "F05": f"{_POINTS}::test_killed_in_a_submit_it_makes_one_generation_of_all_tries",
    "F06": f"{_POINTS}::test_killed_at_work_it_makes_the_clip_again_and_one_result_is_left",
    "F07": f"{_POINTS}::test_killed_at_work_it_makes_the_clip_again_and_one_result_is_left",
    "F08": f"{_DECODER}::test_a_decoder_that_dies_is_a_refusal_for_good_and_the_next_picture_is_decoded",
    "F09": f"{_POINTS}::test_killed_at_work_it_makes_the_clip_again_and_one_result_is_left",
    "F10": "tests/worker/test_unkept.py::test_a_clip_that_does_not_play_is_not_published",
    "F11": f"{_POINTS}::test_killed_at_work_it_makes_the_clip_again_and_one_result_is_left",
    "F12": f"{_POINTS}::test_killed_at_work_it_makes_the_clip_again_and_one_result_is_left",
    "F13": f"{_POINTS}::test_killed_at_work_it_makes_the_clip_again_and_one_result_is_left",
    "F14": "tests/faults/test_errors.py::test_an_end_that_could_not_be_written_down_is_written_down_once",
    "F15": f"{_POINTS}::test_killed_after_a_commit_it_still_tells_what_was_committed",
    "F16": "tests/faults/test_zombie.py::test_a_zombie_that_wakes_up_cannot_commit_and_leaves_nothing",
    "F17": "tests/faults/test_errors.py::test_a_server_that_sleeps_through_its_lease_still_holds_what_it_renders",
    "F18": f"{_POINTS}::test_a_picture_that_kills_every_renderer_fails_with_a_reason",
    "F19": f"{_DECODER}::test_a_decoder_that_dies_is_a_refusal_for_good_and_the_next_picture_is_decoded",
    "F20": f"{_POINTS}::test_killed_after_a_commit_it_still_tells_what_was_committed",
    "F21": f"{_DELIVERER}::test_what_is_cut_off_is_made_again_under_the_same_id",
    "F22": f"{_POINTS}::test_killed_after_a_commit_it_still_tells_what_was_committed",
    "F23": f"{_DELIVERER}::test_schedule_and_log_survive_a_restart",
    "F24": f"{_DELIVERER}::test_one_dead_endpoint_delays_none_of_a_thousand_good_deliveries",
    "F25": "tests/faults/test_shutdown.py::test_while_it_drains_submits_are_refused_and_polls_answered",
    "F26": "tests/faults/test_shutdown.py::test_a_second_signal_ends_it_at_once_and_loses_nothing",
    "F27": "tests/faults/test_proxy.py::test_restarts_behind_a_proxy_fail_no_request",
    "F28": f"{_STARTUP}::test_a_newer_database_is_left_alone",
    "F29": f"{_DISK}::test_while_the_disk_is_full_submits_wait_and_polls_do_not",
    "F30": f"{_DISK}::test_what_is_rendered_while_the_disk_is_full_is_rendered_later",
    "F31": f"{_DISK}::test_a_disk_that_turns_read_only_refuses_submits_and_loses_nothing",
    "F32": "tests/faults/test_bad_disk.py::test_a_disk_that_fails_refuses_submits_and_loses_nothing",
    "F33": f"{_DISK}::test_more_callers_than_file_handles_are_told_so_and_the_rest_go_on",
    "F34": f"{_DISK}::test_while_another_keeps_the_database_locked_submits_are_refused_and_polls_are_not",
    "F37": f"{_STARTUP}::test_a_log_that_was_cut_off_loses_no_more_than_its_torn_end",
    "F38": f"{_STARTUP}::test_a_damaged_database_is_refused_and_left_as_it_is",
    "F40": "tests/contracts/test_backup.py::test_while_others_write_a_backup_is_of_one_moment",
    "F41": "tests/contracts/test_sqlite_opening.py::test_a_sqlite_that_may_lose_commits_is_refused",
    "F42": "tests/end_to_end/test_nothing_is_lost.py::test_a_second_server_on_the_same_directory_is_refused",
    "F43": f"{_STARTUP}::test_a_place_that_cannot_be_a_directory_is_named",
    "F44": f"{_BUCKET}::test_a_clip_waits_while_the_bucket_is_away",
    "F45": "tests/contracts/test_object_store.py::test_an_upload_whose_answer_was_lost_is_made_again",
    "F46": "tests/http/resources/test_downloads.py::test_an_asset_that_somebody_deleted_is_not_found_and_the_other_is",
    "F47": "tests/worker/test_unkept.py::test_what_storage_gives_back_otherwise_is_made_again",
    "F48": "tests/faults/test_clock.py::test_a_clock_that_steps_takes_nothing_from_anyone",
    "F35": "tests/contracts/test_postgresql_connections.py::test_a_change_whose_connection_is_cut_is_made_once",
    "F36": "tests/contracts/test_postgresql_connections.py::test_of_two_changes_that_wait_for_each_other_both_are_made",
    "F49": "tests/adapters/test_database_clock.py::test_machines_booted_at_other_times_tell_the_databases_time",
    "F50": "tests/http/surfaces/test_zones.py::test_times_are_utc_whatever_the_machine_thinks_and_whenever_it_is",
    "F51": f"{_CROWDS}::test_a_hundred_thousand_queued_slow_nobody_down",
    "F52": f"{_CROWDS}::test_five_thousand_callers_poll",
    "F53": f"{_ANSWERS}::test_more_unfinished_generations_than_allowed_are_refused",
    "F54": f"{_CROWDS}::test_idle_and_slow_callers_cost_the_others_nothing",
    "F55": "tests/contracts/test_turns.py::test_ten_thousand_queued_delay_nobody_elses_first_by_more_than_a_slot",
    "F57": "tests/adapters/fetch/test_wire.py::test_a_picture_is_fetched_or_not_as_the_shared_cases_say",
    "F58": f"{_STARTUP}::test_nobody_has_to_read_what_it_says",
    "F59": f"{_STARTUP}::test_it_starts_in_a_bare_environment_and_keeps_its_files_to_itself",
}

DECIDED: Mapping[str, tuple[str, str]] = {
    "auth-13": (
        "the contract takes a key in the query where there is no header",
        f"{_ANSWERS}::test_the_query_counts_only_without_the_header",
    ),
    "http_wire-31": (
        "the Host is no authority: it begins the links in the answer to whoever sent it, and nothing else",
        "tests/http/server/test_connection.py::test_a_target_may_be_a_whole_address_and_escaped",
    ),
    "webhook_receiver_faults-13": (
        "the status has been heard: a 2xx counts though its body breaks off",
        f"{_SIGNED}::test_the_status_counts_whatever_the_body_does",
    ),
    "webhook_receiver_faults-19": (
        "the last attempts come at 5, 10 and 24 hours, not at 14 and 20 as well",
        f"{_DELIVERER}::test_what_was_not_taken_is_tried_again_on_the_schedule_under_one_id",
    ),
    "webhook_signature-09": (
        "every subscription has a secret, so every callback is signed",
        "tests/contracts/test_identifiers.py::test_a_callback_secret_is_written_as_standard_webhooks_does",
    ),
    "F39": (
        "a backup is restored into a new directory, and only with every object that it names",
        "tests/contracts/test_backup.py::test_a_backup_that_lacks_an_object_it_names_is_refused",
    ),
    "avif.avif": (
        "AVIF is read",
        "tests/media/input/test_pictures.py::test_a_good_picture_is_taken_at_its_size",
    ),
    "gif_5000_frames.gif": (
        "the first frame of a GIF is read, and no other",
        "tests/media/input/test_pictures.py::test_of_several_frames_the_first_is_taken",
    ),
}

NOT_TRIED: Mapping[str, str] = {
    "console-03": "a receiver's address is shown as the sentence of console-01 is: no page of ours makes it a link",
    "console-05": "as console-03, of a picture's address",
    "console-07": "the console shows no caller's User-Agent",
    "console-11": "signing in happens in the page: nothing takes an address to go on to",
    "console-17": "a rebound name has no cookie of ours, and nothing of a customer's is shown without one",
    "F56": "`python3 dev.py soak --seconds 86400` is that long when somebody waits for it",
}


def cases(group: str) -> list[Any]:
    """The cases of a group that are tried one by one, as parameters."""
    elsewhere = TRIED.keys() | DECIDED.keys() | NOT_TRIED.keys()
    return [pytest.param(case, id=case["id"]) for case in GROUPS[group] if case["id"] not in elsewhere]
