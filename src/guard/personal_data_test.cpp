#include "guard/personal_data.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "guard/checks.h"

namespace shenbi::guard {
namespace {

// "kind:text" of each finding.
std::vector<std::string> found(const std::string& text, const PrivateWords& own = {}) {
  std::vector<std::string> all;
  for (const Finding& one : Finder(own).find(text))
    all.push_back(std::string(kind_name(one.kind)) + ":" + text.substr(one.begin, one.end - one.begin));
  return all;
}

using All = std::vector<std::string>;

TEST(PersonalData, addresses_of_mail) {
  EXPECT_EQ(found("Write to tom.o-hara+news@mail.example.co.uk, please."),
            All{"email:tom.o-hara+news@mail.example.co.uk"});
  EXPECT_EQ(found("邮箱是zhang_san@qq.com。谢谢"), All{"email:zhang_san@qq.com"});
  EXPECT_EQ(found("13812345678@qq.com"), All{"email:13812345678@qq.com"});
  EXPECT_EQ(found("ｔｏｍ＠example.com"), All{"email:ｔｏｍ＠example.com"});
  for (const char* text : {"@property", "git@github.com:org/repo.git", "y = x@w.to(device)", "h@self.weight",
                           "npm i @scope/pkg@1.2.3", "a @ b.com", "user@host", "@example.com", "x@y..com"})
    EXPECT_EQ(found(text), All{}) << text;
}

TEST(PersonalData, telephones_of_the_mainland) {
  for (const char* number :
       {"13812345678", "138 1234 5678", "138-1234-5678", "１３８１２３４５６７８", "+86 138 1234 5678",
        "+8613812345678", "86 13812345678", "0086-138-1234-5678", "+86-13812345678", "010-88886666", "0755 2345 6789",
        "(010) 8888-6666", "（０１０）88886666", "021-6437-2468", "+86 10 8888 6666"}) {
    EXPECT_EQ(found(std::string("请拨打") + number + "联系我"), All{std::string("phone:") + number}) << number;
    EXPECT_EQ(found(std::string("call ") + number + "."), All{std::string("phone:") + number}) << number;
  }
  EXPECT_EQ(found("13812345678 13987654321"), (All{"phone:13812345678", "phone:13987654321"}));
  EXPECT_EQ(found("分机010-88886666-801"), All{"phone:010-88886666"});
}

TEST(PersonalData, telephones_of_the_world) {
  for (const char* number :
       {"+1 415-555-2671", "+1 (415) 555-2671", "415-555-2671", "(415) 555-2671", "+44 20 7946 0958", "+49 30 901820",
        "+33 1 23 45 67 89", "+81-3-1234-5678", "+7 495 123-45-67", "+852 2345 6789"})
    EXPECT_EQ(found(std::string("tel: ") + number + ", thanks"), All{std::string("phone:") + number}) << number;
  for (const char* text : {"a+12345678901", "+1 23", "x +123456", "1+4420794609581", "+0123456789", "diff\n+100000000"})
    EXPECT_EQ(found(text), All{}) << text;
}

TEST(PersonalData, resident_identity_numbers_by_their_check_character) {
  EXPECT_EQ(found("身份证号11010519491231002X，请核对"), All{"id:11010519491231002X"});
  EXPECT_EQ(found("身份证号11010519491231002x。"), All{"id:11010519491231002x"});
  EXPECT_EQ(found("１１０１０５１９４９１２３１００２Ｘ"), All{"id:１１０１０５１９４９１２３１００２Ｘ"});
  EXPECT_EQ(found("110105 19491231 002X"), All{"id:110105 19491231 002X"});
  EXPECT_EQ(found("440301198802141237"), All{"id:440301198802141237"});
  EXPECT_EQ(found("110105194912310021"), All{});       // a wrong check
  EXPECT_FALSE(is_resident_id("440301198802301237"));  // the 30th of February
  EXPECT_FALSE(is_resident_id("990105194912310025"));  // no such province
}

TEST(PersonalData, cards_by_issuer_length_and_check_digit) {
  for (const char* number : {"4111111111111111", "4111 1111 1111 1111", "5500-0055-5555-5559", "378282246310005",
                             "3782 822463 10005", "6222021001123344555", "6222 0210 0112 3344 555", "3530111333300000",
                             "6011111111111117", "４１１１１１１１１１１１１１１１"})
    EXPECT_EQ(found(std::string("卡号") + number + "，谢谢"), All{std::string("card:") + number}) << number;
  EXPECT_EQ(found("卡号4111 1111 1111 1111。"), All{"card:4111 1111 1111 1111"});
  EXPECT_EQ(found("4111111111111112"), All{});
  EXPECT_EQ(found("7111111111111114"), All{});  // nobody's
}

TEST(PersonalData, accounts_and_numbers_of_other_countries) {
  EXPECT_EQ(found("IBAN DE89 3704 0044 0532 0130 00, BIC"), All{"iban:DE89 3704 0044 0532 0130 00"});
  EXPECT_EQ(found("账户GB29NWBK60161331926819。"), All{"iban:GB29NWBK60161331926819"});
  EXPECT_EQ(found("DE88370400440532013000"), All{});
  EXPECT_EQ(found("SSN 536-90-4399"), All{"ssn:536-90-4399"});
  EXPECT_EQ(found("000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000"), All{});
}

TEST(PersonalData, internet_addresses_of_somebody) {
  EXPECT_EQ(found("from 203.0.113.7:8080 and 10.0.0.5/8"), (All{"ip:203.0.113.7", "ip:10.0.0.5"}));
  EXPECT_EQ(found("来自203.0.113.7的请求"), All{"ip:203.0.113.7"});
  EXPECT_EQ(found("共100，203.0.113.7；60161331926819,203.0.113.8"), (All{"ip:203.0.113.7", "ip:203.0.113.8"}));
  EXPECT_EQ(found("[2001:db8::8a2e:370:7334]:443 fe80::1"), (All{"ip:2001:db8::8a2e:370:7334", "ip:fe80::1"}));
  EXPECT_EQ(found("2001:0db8:0000:0000:0000:8a2e:0370:7334."), All{"ip:2001:0db8:0000:0000:0000:8a2e:0370:7334"});
  for (const char* text :
       {"127.0.0.1", "0.0.0.0", "255.255.255.0", "version 1.2.3.4", "v1.2.3.4", "版本 3.2.1.0", "1.3.6.1.4.1.311",
        "256.1.1.1", "1.2.3", "std::vector", "dead::beef", "::1", "12:30:45", "aa:bb:cc:dd:ee:ff"})
    EXPECT_EQ(found(text), All{}) << text;
}

TEST(PersonalData, papers_plates_and_companies) {
  EXPECT_EQ(found("护照号码：E12345678，有效"), All{"passport:E12345678"});
  EXPECT_EQ(found("Passport No. EA1234567"), All{"passport:EA1234567"});
  EXPECT_EQ(found("part E12345678"), All{});
  EXPECT_EQ(found("L898902C36UTO7408122F1204159ZE184226B<<<<<10"),
            All{"passport:L898902C36UTO7408122F1204159ZE184226B<<<<<10"});
  EXPECT_EQ(found("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"),
            All{"passport:P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"});
  EXPECT_EQ(found("车牌京A12345和粤B·D12345的车主"), (All{"plate:京A12345", "plate:粤B·D12345"}));
  EXPECT_EQ(found("川AIRPORT 京ABCDEF 沪A股12345"), All{});
  EXPECT_EQ(found("信用代码91350100M000100Y43。"), All{"company:91350100M000100Y43"});
  EXPECT_EQ(found("91350100M000100Y44"), All{});
}

TEST(PersonalData, keys_and_own_words) {
  EXPECT_EQ(found("key sk-0123456789abcdef0"), All{"key:0123456789abcdef0"});
  const PrivateWords own{.words = {"夜莺计划", "Nightjar", "Nightjar Two"}, .patterns = {"ZX-[0-9]{6}"}};
  EXPECT_EQ(found("关于夜莺计划和NIGHTJAR TWO的ZX-004711", own),
            (All{"private:夜莺计划", "private:NIGHTJAR TWO", "private:ZX-004711"}));
  EXPECT_EQ(found("Nightjar13812345678", {.words = {"jar138"}}), All{"private:jar138"});
  const auto refused = [](const PrivateWords& words) {
    try {
      Finder finder(words);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refused({.patterns = {"("}}).find("private_patterns: '(' is no expression"), std::string::npos);
  EXPECT_NE(refused({.patterns = {"a*"}}).find("matches where nothing stands"), std::string::npos);
  EXPECT_NE(refused({.words = {""}}).find("private_words"), std::string::npos);
  EXPECT_NE(refused({.patterns = {"(a)\\1"}}).find("private_patterns"), std::string::npos);  // no way in linear time
}

TEST(PersonalData, what_somebody_wrote_in_the_form_of_a_placeholder_is_kept_apart) {
  EXPECT_EQ(found("[EMAIL_1] and [NOTHING_1], [PHONE_], a[PHONE_12]"), (All{"text:[EMAIL_1]", "text:[PHONE_12]"}));
}

TEST(PersonalData, numbers_dates_hashes_and_code_are_none) {
  for (const char* text : {"12345678901",
                           "10000000000",
                           "1732358400",
                           "1732358400000",
                           "1732358400000000",
                           "1732358400000000000",
                           "9007199254740992",
                           "9223372036854775807",
                           "18446744073709551615",
                           "6227020800",
                           "1307674368000",
                           "3.14159265358979323846",
                           "0.13812345678",
                           "13,812,345,678",
                           "1,381,234,567",
                           "2026-11-23",
                           "2026-11-23 10:36:04",
                           "2026-11-23T10:36:04.123456Z",
                           "20261123",
                           "20261123103604",
                           "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                           "d41d8cd98f00b204e9800998ecf8427e",
                           "550e8400-e29b-41d4-a716-446655440000",
                           "12345678-1234-1234-1234-123456789012",
                           "0x13812345678",
                           "0b1010101010101010",
                           "for (int i = 0; i < 1000000; ++i) sum += a[i] * 31;",
                           "int x = 13812345678L;",
                           "uint64_t m = 0x9E3779B97F4A7C15;",
                           "id_13812345678",
                           "13812345678abc",
                           "#include <vector>",
                           "std::map<int, std::string>::iterator",
                           "{\"seed\": 42, \"size\": 1048576}",
                           "A股ABC",
                           "第13812345章",
                           "ISBN 978-7-111-54742-6",
                           "EAN 4006381333931",
                           "1234-5678-9012-3456",
                           "192.168",
                           "π≈3.1415926535897932",
                           "2^53 = 9007199254740992",
                           "matrix[0][1] + 86 * 13",
                           "10-12 20-30 40-50",
                           "18 + 20 - 38",
                           "$1.000.000.000",
                           "tel:110",

                           "UTC+8",
                           "C++17",
                           "H100-80GB",
                           "RTX4090",
                           "gemma-3-270m-q4_k_m",
                           "sha256:9f86d081884c7d659a2feaa0c55ad015"})
    EXPECT_EQ(found(text), All{}) << text;
}

TEST(PersonalData, of_random_long_numbers_few_pass_the_checks) {
  std::mt19937_64 random(20261123);
  for (const size_t size : {12u, 13u, 14u, 15u, 17u, 18u, 20u, 24u}) {
    size_t hits = 0;
    for (int i = 0; i < 20'000; ++i) {
      std::string text(1, static_cast<char>('1' + random() % 9));
      while (text.size() < size) text += static_cast<char>('0' + random() % 10);
      hits += !found(text).empty();
    }
    EXPECT_LT(hits, 200u) << size;  // one per cent
  }
}

TEST(PersonalData, bytes_that_are_no_text_harm_nothing) {
  std::mt19937 random(7);
  const std::string_view pieces[] = {"138",   "1234", "5678",   "@",  ".",  "com",      "\xE4", "京", "A",
                                     "\xFF",  "[",    "EMAIL_", "1]", "+",  "(",        ")",    "-",  " ",
                                     "2001:", "::",   "<",      "P<", "１", "\xEF\xBC", "DE89", "x"};
  const Finder finder({.words = {"x"}});
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (size_t i = random() % 20; i > 0; --i) text += pieces[random() % std::size(pieces)];
    size_t last = 0;
    for (const Finding& one : finder.find(text)) {
      ASSERT_LT(one.begin, one.end);
      ASSERT_LE(one.end, text.size());
      ASSERT_GE(one.begin, last);
      last = one.end;
    }
  }
}

}  // namespace
}  // namespace shenbi::guard
