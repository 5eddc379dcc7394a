#include "gateway/media_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <numeric>

#include "base/error.h"
#include "gateway/signers.h"

namespace shenbi::gateway {
namespace {

std::string dumped(const chat::OrderedJson& json) {
  return json.dump(-1, ' ', false, chat::OrderedJson::error_handler_t::replace);
}

// A name in a header of a form: nothing that ends it or the line.
std::string quoted(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '"' || c == '\\') c = '_';
  }
  return text;
}

}  // namespace

void no_answer(std::string_view why) { throw Error(Code::kUpstream, fmt::format("its answer is {}", why)); }

chat::Fields words_of(const MediaRequest& request, std::string_view file) {
  for (const MediaFile& given : request.files) {
    if (given.field != file) chat::refuse_field(given.field, "this house takes no file here");
  }
  if (request.files.size() > 1) chat::refuse_field(file, "is given twice");
  if (request.stream) chat::refuse_field("stream", "this house sends no pieces");
  chat::Fields fields(request.words, "");
  fields.accept({"model", "user", "stream"});
  return fields;
}

std::optional<std::pair<int64_t, int64_t>> size_of(chat::Fields& fields) {
  const auto text = fields.text("size");
  if (!text || *text == "auto") return std::nullopt;
  constexpr int64_t kMost = 16'384;  // pixels; the largest known are 4,096
  int64_t width = 0, height = 0;
  const char* const end = text->data() + text->size();
  const auto first = std::from_chars(text->data(), end, width);
  const bool crossed = first.ec == std::errc() && first.ptr != end && *first.ptr == 'x';
  const auto second = crossed ? std::from_chars(first.ptr + 1, end, height) : first;
  if (!crossed || second.ec != std::errc() || second.ptr != end || width < 1 || height < 1 || width > kMost ||
      height > kMost)
    fields.fail("size", "must be WIDTHxHEIGHT in pixels, or auto");
  return std::pair(width, height);
}

std::optional<std::string> ratio_of(chat::Fields& fields, std::initializer_list<std::string_view> ratios) {
  const auto size = size_of(fields);
  if (!size) return std::nullopt;
  const int64_t common = std::gcd(size->first, size->second);
  const std::string ratio = fmt::format("{}:{}", size->first / common, size->second / common);
  if (std::find(ratios.begin(), ratios.end(), ratio) == ratios.end())
    fields.fail("size", fmt::format("is {}; this house makes {}", ratio, fmt::join(ratios, ", ")));
  return ratio;
}

HouseCall json_call(std::string path, const chat::OrderedJson& body, net::Headers headers) {
  headers.emplace_back("Content-Type", "application/json");
  return {.path = std::move(path), .headers = std::move(headers), .body = dumped(body)};
}

HouseCall form_call(std::string path, const std::vector<std::pair<std::string, std::string>>& fields,
                    net::Headers headers, const MediaFile* file) {
  // Longer than any line that a text has by chance; one that has it on purpose is given a longer one.
  std::string edge = "shenbi-form-7d1f0c5e";
  const auto stands = [&] {
    return std::any_of(fields.begin(), fields.end(),
                       [&](const auto& f) { return f.second.find(edge) != f.second.npos; }) ||
           (file && file->content.find(edge) != file->content.npos);
  };
  while (stands()) edge += 'x';
  std::string body;
  for (const auto& [name, value] : fields)
    body += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n", edge, name, value);
  if (file) {
    body += fmt::format(
        "--{}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n", edge,
        file->field, quoted(file->filename), quoted(file->type.empty() ? "application/octet-stream" : file->type));
    body += file->content;
    body += "\r\n";
  }
  body += fmt::format("--{}--\r\n", edge);
  headers.emplace_back("Content-Type", "multipart/form-data; boundary=" + edge);
  return {.path = std::move(path), .headers = std::move(headers), .body = std::move(body)};
}

std::optional<std::string> first_picture(const MediaRequest& request, chat::Fields& fields) {
  auto url = fields.text("image_url");
  const auto file = std::find_if(request.files.begin(), request.files.end(),
                                 [](const MediaFile& given) { return given.field == "input_reference"; });
  if (file == request.files.end()) return url;
  if (url) fields.fail("image_url", "there is a file input_reference already");
  if (file->type != "image/png" && file->type != "image/jpeg" && file->type != "image/webp")
    fields.fail("input_reference", "must be image/png, image/jpeg or image/webp");
  return "data:" + file->type + ";base64," + base64(file->content);
}

void unknown_status() { no_answer("of an unknown status"); }

std::string needed_link(std::string link) {
  if (link.empty()) throw Error(Code::kUpstream, "its answer names no result");
  return link;
}

Json house_answer(std::string_view body) {
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) no_answer("no JSON object");
  return json;
}

Json at_path(const Json& json, std::string_view path) {
  const Json* here = &json;
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string name(path.substr(at, end - at));
    at = end + 1;
    if (here->is_object() && here->contains(name)) {
      here = &here->at(name);
    } else if (here->is_array() && !name.empty() && name.size() < 6 &&
               std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); }) &&
               std::stoul(name) < here->size()) {
      here = &here->at(std::stoul(name));
    } else {
      return nullptr;
    }
  }
  return *here;
}

std::string text_at(const Json& json, std::string_view path) {
  const Json found = at_path(json, path);
  if (found.is_string()) return found.get<std::string>();
  return found.is_number_integer() ? std::to_string(found.get<int64_t>()) : "";
}

std::string image_list(const std::vector<std::string>& urls, const std::vector<std::string>& base64) {
  chat::OrderedJson data = chat::OrderedJson::array();
  for (const std::string& url : urls) data.push_back({{"url", url}});
  for (const std::string& bytes : base64) data.push_back({{"b64_json", bytes}});
  if (data.empty()) no_answer("without a picture");
  return dumped({{"created", static_cast<int64_t>(std::time(nullptr))}, {"data", std::move(data)}});
}

const std::string& path_model(const std::string& model) {
  const bool plain = std::all_of(model.begin(), model.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == ':' || c == '/';
  });
  if (!plain || model.empty()) chat::refuse_field("model", fmt::format("'{}' is no name of this house", model));
  return model;
}

const std::string& plain_id(const std::string& id) {
  const bool plain = std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == ':';
  });
  if (!plain || id.empty() || id.size() > 512 || id.find("..") != std::string::npos)
    no_answer("a job whose id is no name");
  return id;
}

}  // namespace shenbi::gateway
