module.exports = [
    "strapi::logger",
    "strapi::errors",
    "strapi::query",
    "strapi::body",
];
