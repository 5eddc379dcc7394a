#pragma once
// What the catalog knows of a model. What nobody told is absent, never 0.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace shenbi::catalog {

/// 1e-12 US dollars: fine enough for a tenth of a cent per million tokens to be whole.
using PicoUsd = int64_t;

/// What one token costs.
struct Tier {
  std::optional<PicoUsd> input, output;
  std::optional<PicoUsd> cache_read;   ///< of the prompt, found in the house's cache
  std::optional<PicoUsd> cache_write;  ///< of the prompt, put into it
  std::optional<PicoUsd> cache_write_1h;

  bool operator==(const Tier&) const = default;
};

/// From a prompt of more than `above` tokens on the whole request costs this; what a step does not name stays as it
/// was.
struct Step {
  uint64_t above = 0;
  Tier tier;

  bool operator==(const Step&) const = default;
};

/// What a house asks for a model.
struct Price {
  std::string house;                ///< "openai"; "dashscope-intl" for a house's address elsewhere
  std::vector<std::string> models;  ///< the house's own names of it
  Tier tokens, batch, image_tokens;
  std::vector<Step> over;  ///< ascending
  std::optional<PicoUsd> image, second, character;
  std::string source, date;  ///< of these figures: "litellm 1.109.1", "2026-11-22"
  std::string from;          ///< where in the source: "litellm:gpt-4.1"

  bool operator==(const Price&) const = default;
};

struct Model {
  std::string id;  ///< "openai/gpt-4.1"; "local/NAME" for a file on this machine
  std::string name, maker;
  std::string kind;   ///< "language", "vision", "multimodal", "audio"; "" unknown
  std::string level;  ///< "L0" for everything, "L1" for a trade, "L2" for one use; "" unknown
  std::string open;   ///< "closed", "weights"; "" unknown
  std::string licence;
  std::vector<std::string> input, output;  ///< "text", "image", "audio", "video", "vector"
  bool tools = false, thinking = false;
  bool retired = false;  ///< its maker no longer offers it
  std::string ends;      ///< the day its maker means to end it
  std::optional<uint64_t> context, max_output;
  std::string source, date, context_from;  ///< of context and max_output
  std::string no_api, no_api_zh, nearest;  ///< why nobody can call it, and the model to use instead
  std::vector<Price> prices;

  bool local() const { return id.starts_with("local/"); }
  bool operator==(const Model&) const = default;
};

}  // namespace shenbi::catalog
