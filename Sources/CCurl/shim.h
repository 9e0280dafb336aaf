#pragma once
#include <curl/curl.h>
#include <openssl/crypto.h>
