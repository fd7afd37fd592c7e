"""Which fields of a request are OpenAI's, which go into the provider's extra body, and which are refused."""

from __future__ import annotations

import re

from api.refusals import BadField
from ted.completion import Json

_OPENAI_NAMES = """
audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens
metadata modalities n parallel_tool_calls prediction presence_penalty prompt_cache_key
prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store
stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options
"""
OPENAI = frozenset(_OPENAI_NAMES.split())
"""The fields of chat completions that are passed on under their own names."""

OURS = frozenset({"include", "stream"})
"""Fields that TED itself answers to."""

_ROUTING_NAMES = """
acompletion additional_drop_params additional_headers aembedding aimg_generation allm_passthrough_route
allow_client_keepalive_override allowed_model_region allowed_openai_params api_base api_key api_token
api_type api_version assistant_continue_message async_call atext_completion attempted_targets azure
base_model base_url bedrock_tags bos_token budget_duration cache cache_key caching caching_groups
callbacks client client_id client_side_timeout complete_response completion_call_id
configurable_clientside_auth_params content_policy_fallbacks context_window_fallback_dict
context_window_fallbacks cooldown_time credentials custom_llm_provider custom_prompt_dict data_residency
dd_agent_host dd_agent_port dd_site default_api_key_rpm_limit default_api_key_tpm_limit
default_fallbacks default_headers default_query deployment_id disable_add_transform_inline_image_block
drop_params enable_json_schema_validation enable_prompt_caching enable_tag_filtering
ensure_alternating_roles eos_token extra_headers extra_query failure_callback fallback_depth
fallback_models fallbacks fastest_response final_prompt_value fireworks_forward_user_id force_timeout
guardrails headers hf_model_name http_client id itpm keepalive_seconds log_client_error_tracebacks
logger_fn max_agentic_loops max_budget max_fallbacks max_file_size_mb max_parallel_requests max_retries
merge_reasoning_content_in_choices mock_response mock_timeout model_alias_map model_config
model_file_id_mapping model_info model_list no-log num_retries openai_identity_provider_id
openai_identity_token_file openai_service_account_id order organization otpm output_vector_size
preset_cache_key project prompt_environment prompt_id prompt_label prompt_variables prompt_version
provider_affinity_header provider_specific_header proxies proxy proxy_server_request proxy_server_url
region_name request_timeout retry_policy retry_strategy roles router_model_id routing_strategy rpm rust
search_tool_name secret_fields self shared_session silent_model ssl_verify stream_chunk_size
stream_response stream_timeout stream_timeout_by_service_tier success_callback supports_system_message
tag_regex tags tenant_id text_completion timeout timeout_by_service_tier token tpm ttl
turn_off_message_logging use_chat_completions_api use_client use_in_pass_through use_litellm_proxy
use_xai_oauth user_continue_message verbose watsonx_region_name weight
"""
_ROUTING = frozenset(_ROUTING_NAMES.split())
"""What litellm takes beside OpenAI's fields to choose an address, a key, a provider, a price, a log or a fallback."""

_FAMILIES = re.compile(
    r"_.*|.*(cost|pricing|uplift_multiplier|rate_limit).*|.*_(api_key|api_base|base_url|api_url|secret|secret_key|secret_ref)"
    r"|(litellm|langfuse|langsmith|humanloop|arize|posthog|wandb|weave|newrelic|signoz)_.*"
    r"|(aws|azure|vertex|s3|gcs|anthropic)_.*|(auto|adaptive|complexity|quality)_router_.*"
)
"""The same by families, of which new members come with each version."""


def sorted_out(sent: Json) -> tuple[Json, Json]:
    """OpenAI's fields, and those for the provider's extra body, of a body without `model` and `messages`.

    Nulls are as if left out. Members of an `extra_body` are taken as the unknown fields beside it are. Raises BadField
    for what would choose where a call goes, with whose key, or what becomes of it.
    """
    known = {name: value for name, value in sent.items() if name in OPENAI and value is not None}
    unknown = {name: value for name, value in sent.items() if name not in OPENAI | OURS}
    return known, _checked(unknown, ("body",))


def is_routing(name: str) -> bool:
    """Whether a field would tell litellm, or another router, where and how to call."""
    return name.lower() in _ROUTING or _FAMILIES.fullmatch(name.lower()) is not None


def _checked(fields: Json, place: tuple[str, ...]) -> Json:
    """The fields, with those of an extra body among them, and of one in that."""
    checked: Json = {}
    while True:
        inner = fields.get("extra_body")
        for name, value in fields.items():
            if is_routing(name):
                raise BadField((*place, name), "is the operator's to set, not the caller's: leave it out")
            if name in OPENAI | OURS | {"model", "messages"}:
                raise BadField((*place, name), "belongs beside `messages`: move it out of the extra body")
            if name != "extra_body":
                checked[name] = value
        if inner is None:
            return checked
        if not isinstance(inner, dict):
            raise BadField((*place, "extra_body"), "is no object: send one, or the fields themselves")
        fields, place = inner, (*place, "extra_body")
