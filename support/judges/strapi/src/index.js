module.exports = {
    // A token for everything, as an administrator makes one in its settings.
    async bootstrap({ strapi }) {
        const service = strapi.service("admin::api-token");
        const accessKey = service.hash(process.env.TOKEN);
        await strapi.db.query("admin::api-token").create({
            data: { name: "Odoo", description: "", type: "full-access", accessKey },
        });
    },
};
