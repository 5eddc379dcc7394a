// OpenAI's files, batches and media. What a house of media answers goes through as it was written: of it only what
// every house says is named.

#include "server/openapi/types.h"

namespace shenbi::server::openapi {
namespace {

Schema page_of(std::string_view type) {
  return object({{"object", word({"list"})},
                 {"data", list(named(type))},
                 {"first_id", or_null(text())},
                 {"last_id", or_null(text())},
                 {"has_more", boolean()}});
}

Schema file() {
  return object({{"id", text()},
                 {"object", word({"file"})},
                 {"bytes", count()},
                 {"created_at", count()},
                 {"expires_at", or_null(count())},
                 {"filename", text()},
                 {"purpose", word({"batch", "user_data", "batch_output", "media_output"})},
                 {"status", word({"processed"})}});
}

Schema batch() {
  const Schema problem =
      object({{"code", text()}, {"line", or_null(count())}, {"message", text()}, {"param", or_null(text())}});
  const Schema usage = object({{"input_tokens", count()},
                               {"input_tokens_details", object({{"cached_tokens", count()}})},
                               {"output_tokens", count()},
                               {"output_tokens_details", object({{"reasoning_tokens", count()}})},
                               {"total_tokens", count()}});
  Fields fields = {{"id", text()},
                   {"object", word({"batch"})},
                   {"endpoint", word({"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings"})},
                   {"model", or_null(text())},
                   {"errors", or_null(object({{"object", word({"list"})}, {"data", list(problem)}}))},
                   {"input_file_id", text()},
                   {"completion_window", word({"24h"})},
                   {"status", word({"validating", "failed", "in_progress", "finalizing", "completed", "expired",
                                    "cancelling", "cancelled"})},
                   {"output_file_id", or_null(text())},
                   {"error_file_id", or_null(text())},
                   {"created_at", count()},
                   {"expires_at", count()},
                   {"request_counts", object({{"total", count()}, {"completed", count()}, {"failed", count()}})},
                   {"usage", usage},
                   {"metadata", or_null(map(text()))}};
  for (const char* time : {"in_progress_at", "finalizing_at", "completed_at", "failed_at", "expired_at",
                           "cancelling_at", "cancelled_at"}) {
    fields.emplace_back(time, or_null(count()));
  }
  return object(fields);
}

// An object of which some fields are sure and the rest is the house's.
Schema open_object(Fields always) {
  Schema schema = object(std::move(always));
  schema["additionalProperties"] = true;
  return schema;
}

Schema video() {
  return object({{"id", text()},
                 {"object", word({"video"})},
                 {"model", text()},
                 {"status", word({"queued", "in_progress", "completed", "failed"})},
                 {"progress", count()},
                 {"created_at", count()},
                 {"completed_at", or_null(count())},
                 {"expires_at", or_null(count())},
                 {"prompt", or_null(text())},
                 {"seconds", or_null(text())},
                 {"size", or_null(text())},
                 {"error", or_null(object({{"code", text()}, {"message", text()}}))},
                 {"remixed_from_video_id", null()}});
}

}  // namespace

Types openai_job_types() {
  return {{"Images", open_object({{"data", list(open_object({}))}})},
          {"Transcription", open_object({{"text", text()}})},
          {"HouseEvent", open_object({})},
          {"Video", video()},
          {"VideoList", page_of("Video")},
          {"VideoDeleted", object({{"id", text()}, {"object", word({"video.deleted"})}, {"deleted", boolean()}})},
          {"File", file()},
          {"FileList", page_of("File")},
          {"FileDeleted", object({{"id", text()}, {"object", word({"file"})}, {"deleted", boolean()}})},
          {"Batch", batch()},
          {"BatchList", page_of("Batch")}};
}

}  // namespace shenbi::server::openapi
