// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
//
// A GraphQL server (graphql-http, in memory) with the part of Shopify's Admin schema
// that customers take, as shopify.dev tells it: customerCreate, customerUpdate,
// customerDelete, customerByIdentifier, customer and customers. Listens on loopback at
// the port that is its argument; the token is in the variable TOKEN.

const http = require("http");
const { buildSchema } = require("graphql");
const { createHandler } = require("graphql-http/lib/use/http");

const PATH = /^\/admin\/api\/\d{4}-\d{2}\/graphql\.json$/;
const EMAIL = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;

const schema = buildSchema(`
    type CustomerEmailAddress { emailAddress: String! }
    type Customer {
        id: ID!
        firstName: String
        lastName: String
        email: String
        phone: String
        defaultEmailAddress: CustomerEmailAddress
    }
    type UserError { field: [String!] message: String! }
    type CustomerCreatePayload { customer: Customer userErrors: [UserError!]! }
    type CustomerUpdatePayload { customer: Customer userErrors: [UserError!]! }
    type CustomerDeletePayload { deletedCustomerId: ID userErrors: [UserError!]! }
    type CustomerConnection { nodes: [Customer!]! }
    input CustomerInput {
        id: ID email: String firstName: String lastName: String phone: String
        note: String tags: [String!] locale: String
    }
    input CustomerDeleteInput { id: ID! }
    input CustomerIdentifierInput { id: ID emailAddress: String phoneNumber: String }
    type Query {
        customer(id: ID!): Customer
        customerByIdentifier(identifier: CustomerIdentifierInput!): Customer
        customers(first: Int!): CustomerConnection!
    }
    type Mutation {
        customerCreate(input: CustomerInput!): CustomerCreatePayload
        customerUpdate(input: CustomerInput!): CustomerUpdatePayload
        customerDelete(input: CustomerDeleteInput!): CustomerDeletePayload
    }
`);

const customers = new Map();
let number = 1000;

function told(customer) {
    const address = customer.email ? { emailAddress: customer.email } : null;
    return { ...customer, defaultEmailAddress: address };
}

function byEmail(email) {
    const wanted = (email || "").toLowerCase();
    return [...customers.values()].find(
        (each) => (each.email || "").toLowerCase() === wanted,
    );
}

function problems(input) {
    if (input.email && !EMAIL.test(input.email)) {
        return [{ field: ["email"], message: "Email is invalid" }];
    }
    const other = input.email && byEmail(input.email);
    if (other && other.id !== input.id) {
        return [{ field: ["email"], message: "Email has already been taken" }];
    }
    if (
        !input.id &&
        !input.email &&
        !input.phone &&
        !input.lastName &&
        !input.firstName
    ) {
        const message = "A name, phone number, or email address must be present";
        return [{ field: null, message }];
    }
    return [];
}

const GONE = [{ field: ["id"], message: "Customer does not exist" }];

const rootValue = {
    customer: ({ id }) => (customers.has(id) ? told(customers.get(id)) : null),
    customerByIdentifier: ({ identifier }) => {
        const found = identifier.id
            ? customers.get(identifier.id)
            : byEmail(identifier.emailAddress);
        return found ? told(found) : null;
    },
    customers: ({ first }) => ({
        nodes: [...customers.values()].slice(0, first).map(told),
    }),
    customerCreate: ({ input }) => {
        const userErrors = problems(input);
        if (userErrors.length) {
            return { customer: null, userErrors };
        }
        number += 1;
        const id = `gid://shopify/Customer/${number}`;
        customers.set(id, { ...input, id });
        return { customer: told(customers.get(id)), userErrors };
    },
    customerUpdate: ({ input }) => {
        const known = customers.has(input.id);
        const userErrors = known ? problems(input) : GONE;
        if (userErrors.length) {
            return { customer: null, userErrors };
        }
        customers.set(input.id, { ...customers.get(input.id), ...input });
        return { customer: told(customers.get(input.id)), userErrors };
    },
    customerDelete: ({ input }) =>
        customers.delete(input.id)
            ? { deletedCustomerId: input.id, userErrors: [] }
            : { deletedCustomerId: null, userErrors: GONE },
};

const handler = createHandler({ schema, rootValue });

http.createServer((request, response) => {
    if (request.headers["x-shopify-access-token"] !== process.env.TOKEN) {
        response.writeHead(401, { "Content-Type": "application/json" });
        const errors = "[API] Invalid API key or access token";
        response.end(JSON.stringify({ errors }));
    } else if (PATH.test(request.url)) {
        handler(request, response);
    } else {
        response.writeHead(404, { "Content-Type": "application/json" });
        response.end(JSON.stringify({ errors: "Not Found" }));
    }
}).listen(Number(process.argv[2]), "127.0.0.1");
